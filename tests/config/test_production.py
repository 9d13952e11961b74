"""What production relies on: queues that stay apart, and a compose file that comes without secrets."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE = (REPOSITORY / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]


def test_a_message_reaches_one_queue_only():
    from config.celery import app

    bound = [(queue.exchange.name, queue.routing_key) for queue in app.amqp.queues.values()]
    assert len(bound) == len(set(bound)) == 2


def test_a_message_is_handed_out_again_only_after_the_longest_task():
    from config.celery import app

    assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit + 10 * 60
    assert app.conf.accept_content == ["json"]


@pytest.mark.parametrize("name", re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*)", COMPOSE))
def test_a_secret_has_no_default(name):
    assert not re.search(rf"\${{{name}(?!:\?)", COMPOSE)
    assert re.search(rf"^{name}=$", (REPOSITORY / ".env.example").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"web", "worker", "quick"}))
def test_every_foreign_service_says_whether_it_is_well(name):
    assert "healthcheck" in SERVICES[name]

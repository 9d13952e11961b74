"""A project's guidelines: Markdown by its owners, read by everyone beside every photo."""

import functools

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt


@functools.cache
def _reader() -> MarkdownIt:
    # Raw HTML shows as text, and pictures from elsewhere would tell their server who labels here and when.
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    reader.add_render_rule("link_open", _link_open)
    reader.core.ruler.push("lower_headings", _lower_headings)
    return reader


def _lower_headings(state) -> None:
    """The page has headings of its own above these: # becomes h3, and nothing goes below h6."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"


def _link_open(renderer, tokens, index, options, env) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    tokens[index].attrSet("target", "_blank")
    return renderer.renderToken(tokens, index, options, env)


def render_guidelines(text: str) -> SafeString:
    """HTML of the Markdown in `text`; empty for none. Script links lose their address, HTML is shown as text."""
    # Safe to mark: the reader escapes whatever it did not make itself (tests hold it to that).
    return mark_safe(_reader().render(text)) if text.strip() else SafeString("")  # noqa: S308

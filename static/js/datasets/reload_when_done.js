/** Jobs on a page report by themselves; once the last one watched has ended, the page shows what came of it. */

const ACTIVE = new Set(["queued", "running"]);

function anyActive() {
  return [...document.querySelectorAll("[data-job-state]")].some((job) => ACTIVE.has(job.dataset.jobState));
}

let watching = anyActive();
document.body.addEventListener("htmx:afterSettle", () => {
  if (!watching || anyActive()) return;
  watching = false;
  location.reload();
});

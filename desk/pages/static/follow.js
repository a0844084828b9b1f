// Where the page waits for a score: ask whether it is there, then show it. Without a script the page has a link that does
// the same.

const waiting = document.querySelector("[data-follow]");

async function follow() {
  try {
    const answer = await fetch(waiting.dataset.follow, { headers: { Accept: "application/json" } });
    if (answer.status !== 202 && answer.status < 500) {
      location.reload();
      return;
    }
  } catch {
    // The desk is away for a moment: ask again.
  }
  setTimeout(follow, 1000);
}

if (waiting) {
  follow();
}

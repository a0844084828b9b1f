// Asks the service, and says in plain words why there is no answer.

const PATIENCE = 70_000; // milliseconds; the service itself ends a request before that

/**
 * Post JSON to a route of the service.
 *
 * Returns {answer} or {problem: {detail, errors}}, never throws.
 */
export async function ask(route, body, headers = {}) {
  let response;
  try {
    response = await fetch(route, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch (error) {
    return { problem: { detail: unreachable(error), errors: [] } };
  }
  let content;
  try {
    content = await response.json();
  } catch {
    content = null;
  }
  if (response.ok && content !== null) {
    return { answer: content };
  }
  return { problem: told(response, content) };
}

function unreachable(error) {
  if (error.name === "TimeoutError") {
    return "The service did not answer in time. Send it again: the same press of the button decides once.";
  }
  return "The service cannot be reached. Is it running, and is the network there?";
}

function told(response, content) {
  const detail = content?.detail ?? `${response.status} ${response.statusText}`;
  const wait = response.headers.get("Retry-After");
  const again = wait ? ` Try again in ${wait} s.` : "";
  return { status: response.status, detail: `${sentence(detail)}${again}`, errors: content?.errors ?? [] };
}

function sentence(detail) {
  const begun = detail.charAt(0).toUpperCase() + detail.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

// Runs in the browser: shows the form of the path, sends it as JSON and goes on to where the person wanted to be.
const form = document.querySelector(`form[data-path="${location.pathname.replace(/\/$/, "")}"]`);
const welcome = document.querySelector("section");
const alert = document.querySelector("[role=alert]");

const send = (method, path, body) =>
  fetch(path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

/** A path of this server, never another host. */
function nextPlace() {
  const next = new URLSearchParams(location.search).get("next");
  if (next === null) return undefined;
  const url = new URL(next, location.origin);
  return url.origin === location.origin ? url.href : undefined;
}

function welcomePerson({ email, role }) {
  document.querySelector("[data-who]").textContent = `Signed in as ${email} (${role}).`;
  if (form !== null) form.hidden = true;
  welcome.hidden = false;
}

/** Makes the account with the token of the link, and signs in. */
async function joinWith(path, fields) {
  const joined = await send("POST", path, { ...fields, token: location.hash.slice(1) });
  if (!joined.ok) return joined;
  const { email } = await joined.json();
  return send("POST", "/api/v1/session", { email, password: fields.password });
}

const submits = {
  "/sign-in": (fields) => send("POST", "/api/v1/session", fields),
  "/invitation": (fields) => joinWith("/api/v1/invitations/accept", fields),
  "/setup": (fields) => joinWith("/api/v1/first-owner", fields),
};

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  alert.textContent = "";
  const answer = await submits[form.dataset.path](Object.fromEntries(new FormData(form)));
  const body = await answer.json();
  if (!answer.ok) {
    alert.textContent =
      answer.status === 404 ? "This link is used up or has expired." : `${body.detail}.`;
    return;
  }
  const place = nextPlace();
  if (place === undefined) welcomePerson(body);
  else location.replace(place);
});

document.querySelector("[data-sign-out]").addEventListener("click", async () => {
  await send("DELETE", "/api/v1/session");
  location.replace("/sign-in");
});

if (form?.dataset.path === "/sign-in") {
  const known = await send("GET", "/api/v1/session");
  if (known.ok) welcomePerson(await known.json());
  else form.hidden = false;
} else if (form !== null) form.hidden = false;

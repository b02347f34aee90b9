"use strict";

// What both pages of mailed links share. Text from the API is only ever set as
// text, never as markup.
const $ = (id) => document.getElementById(id);
const token = () => location.hash.slice(1);

const tell = (name, text) => {
  for (const element of document.querySelectorAll(`[data-text="${name}"]`)) {
    element.textContent = text;
    if (element.tagName === "BLOCKQUOTE") element.hidden = !text;
  }
};

const show = (id) => {
  for (const section of document.querySelectorAll("#card > section")) section.hidden = section.id !== id;
  $("card").hidden = false;
  $(id).querySelector("h1")?.focus();
};

const unreachable = {code: "unreachable", detail: "Roster cannot be reached. Check your connection."};

// call returns {status, body}; status 0 means that there was no answer.
const call = async (method, path, body, credential) => {
  const headers = {Accept: "application/json"};
  if (body) headers["Content-Type"] = "application/json";
  if (credential) headers.Authorization = "Bearer " + credential;
  try {
    const answer = await fetch(path, {method, headers, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store"});
    return {status: answer.status, body: await answer.json(), retryAfter: answer.headers.get("Retry-After")};
  } catch {
    return {status: 0, body: unreachable};
  }
};

const tooMany = (answer) => {
  const minutes = Math.ceil((Number(answer.retryAfter) || 60) / 60);
  return `Too many tries. Please wait ${minutes === 1 ? "a minute" : minutes + " minutes"} and try again.`;
};

// words says in a sentence what went wrong.
const words = (answer) => {
  if (answer.status === 429) return tooMany(answer);
  return answer.body.detail || "Something went wrong. Please try again.";
};

const problem = (title, advice, again) => {
  tell("title", title);
  tell("advice", advice);
  $("again").hidden = !again;
  $("again").onclick = again;
  show("problem");
};

// busy keeps a button from being pressed twice.
const busy = async (button, work) => {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
  }
};

const complain = (form, text) => {
  const alert = form.querySelector(".alert");
  alert.textContent = text;
  alert.hidden = !text;
};

// check marks empty inputs, and returns whether there are none.
const check = (form) => {
  complain(form, "");
  let first;
  for (const input of form.querySelectorAll("input")) {
    mark(input, input.value.trim() ? "" : "Please fill this in.");
    if (!input.value.trim()) first ??= input;
  }
  first?.focus();
  return !first;
};

const mark = (input, text) => {
  const wrong = $(input.id + "-wrong");
  wrong.textContent = text;
  wrong.hidden = !text;
  input.setAttribute("aria-invalid", String(Boolean(text)));
  if (text) input.setAttribute("aria-errormessage", wrong.id);
};

// blame shows a refusal at the inputs that it names, or above the form.
const blame = (form, answer) => {
  let placed = false;
  for (const fault of answer.body.errors ?? []) {
    const input = form.elements[(fault.pointer ?? "").slice(1)];
    if (!input) continue;
    mark(input, "This " + fault.reason + ".");
    if (!placed) input.focus();
    placed = true;
  }
  if (!placed) complain(form, words(answer));
};

const submit = (form, work) => {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (check(form)) busy(form.querySelector(".button"), work);
  });
};

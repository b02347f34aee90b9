"use strict";

document.getElementById("origin").textContent = location.origin;

// Only a deployment on one machine has a mailbox.
fetch("/_local/mail", {method: "HEAD", credentials: "omit"}).then((answer) => {
  document.getElementById("mailbox").hidden = !answer.ok;
}, () => {});

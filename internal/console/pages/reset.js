// Opening the page does nothing: programs that look at links in mails do so too.
const start = () => show(token() ? "choose" : "ask");

// later tells whether the answer is one after which the same may be tried again.
const later = ({status}) => status === 0 || status === 429 || status >= 500;

const ask = () => {
  history.replaceState(null, "", location.pathname);
  start();
};

const forgot = async () => {
  const email = $("email").value.trim();
  const answer = await call("POST", "/auth/password/forgot", {email});
  if (answer.status === 200) {
    tell("email", email);
    return show("mailed");
  }
  if (answer.status === 429) {
    return complain($("forgot"), "This was asked for too often. Links in the newest mails work still. " + tooMany(answer));
  }
  blame($("forgot"), answer);
};

const reset = async (form, otp) => {
  const answer = await call("POST", "/auth/password/reset", {token: token(), password: $("password").value, otp});
  if (answer.status === 200) {
    tell("email", answer.body.user.email);
    history.replaceState(null, "", location.pathname);
    $("reset").reset();
    $("code").reset();
    return show("done");
  }
  if (later(answer)) return complain(form, words(answer));
  if (answer.body.code === "otp_required") return show("second");
  if (answer.body.code === "invalid_otp") {
    $("otp").select();
    return complain(form, "This code is wrong, too old, or was used before. Wait for the next one.");
  }
  if (answer.body.errors?.some((fault) => fault.pointer === "/password")) {
    show("choose");
    return blame($("reset"), answer);
  }
  problem("This link does not work any more", "It was used, has expired, or a newer one replaced it.", ask);
};

$("reveal").addEventListener("click", () => {
  const hidden = $("password").type === "password";
  $("password").type = hidden ? "text" : "password";
  $("reveal").textContent = hidden ? "Hide the password" : "Show the password";
});
submit($("forgot"), forgot);
submit($("reset"), () => reset($("reset")));
submit($("code"), () => reset($("code"), $("otp").value.trim()));
$("other").addEventListener("click", start);
$("again").textContent = "Ask for a new link";
addEventListener("hashchange", start);
start();

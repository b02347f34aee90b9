// Opening the page does nothing: programs that look at links in mails do so too.
const start = () => {
  if (token()) return show("ask");
  problem("This link is not complete", "Open the whole link from your mail, or copy all of it into the address bar.");
};

const verify = async (claim) => {
  const answer = await call("POST", "/auth/verify-email", {token: token(), password: $("password").value, claim});
  if (answer.status === 200) return done(answer.body);
  if (answer.status === 0 || answer.status === 429 || answer.status >= 500) {
    return problem(answer.status === 0 ? "No connection" : "Not yet", words(answer), start);
  }
  if (answer.body.code === "password_mismatch") return show("mismatch");
  if (answer.body.code === "already_verified") {
    return problem("Your address is verified already", "Your account has another password than this one. Log in with that.");
  }
  if (answer.body.errors?.some((fault) => fault.pointer === "/password")) return blame($("verify"), answer);
  problem("This link does not work any more", "It has expired, or a newer mail replaced it. Log in and ask for a new verification mail, or open your invitation again.");
};

const done = ({user, organization, invitation}) => {
  tell("headline", organization ? `You’re in ${organization.name}` : "Your address is verified");
  if (organization) {
    tell("outcome", `${user.email} is verified, and you are a member with the role ${organization.role}. You can log in now.`);
  } else if (invitation && invitation.status !== "accepted") {
    tell("outcome", `${user.email} is verified. The invitation could not be accepted, though: ${invitation.detail || "it is no longer good."} Ask the person who invited you for a new one.`);
  } else {
    tell("outcome", `${user.email} is verified. You can log in now.`);
  }
  show("verified");
};

$("reveal").addEventListener("click", () => {
  const hidden = $("password").type === "password";
  $("password").type = hidden ? "text" : "password";
  $("reveal").textContent = hidden ? "Hide the password" : "Show the password";
});
submit($("verify"), () => verify(false));
$("retype").addEventListener("click", () => {
  start();
  $("password").select();
});
$("claim").addEventListener("click", () => busy($("claim"), () => verify(true)));
addEventListener("hashchange", start);
start();

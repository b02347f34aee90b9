// The token stands in the fragment, which browsers send nowhere; looking at an
// invitation changes nothing. Access tokens are kept nowhere.
let invitation;

const start = async () => {
  show("loading");
  if (!token()) {
    problem("This link is not complete", "Open the whole link from your mail, or copy all of it into the address bar.");
    return;
  }
  const answer = await call("GET", "/auth/invitations/" + encodeURIComponent(token()));
  if (answer.status !== 200) {
    refuse(answer);
    return;
  }
  invitation = answer.body.invitation;
  tell("organization", invitation.organization.name);
  tell("inviter", invitation.invited_by || "An administrator");
  tell("message", invitation.message);
  tell("welcome", invitation.welcome_message);
  tell("email", invitation.email);
  tell("role", invitation.role);
  tell("expires", when(invitation.expires_at));
  tell("ends", invitation.membership_ends_at ? "Until " + when(invitation.membership_ends_at) : "Without an end date");
  tell("limit", limit(invitation));
  tell("agree", invitation.policy_url ? "Please read first; by accepting you agree to the policy: " : "Please read first: ");
  link("guidelines", invitation.guidelines_url);
  link("policy", invitation.policy_url);
  $("policies").hidden = !invitation.guidelines_url && !invitation.policy_url;
  $("name").value = invitation.name;
  $("login-email").value = invitation.email;
  choose(invitation.has_account ? "login" : "create", invitation.has_account);
  show("offer");
};

const when = (instant) => new Date(instant).toLocaleString([], {dateStyle: "full", timeStyle: "short"});

// limit says what binds the member: null is unlimited.
const limit = ({monthly_limit: monthly, daily_limit: daily}) => {
  const parts = [];
  if (monthly !== null) parts.push("$" + monthly + " a month");
  if (daily !== null) parts.push("$" + daily + " a day");
  return parts.join(", ") || "None";
};

const link = (name, url) => {
  const element = document.querySelector(`[data-link="${name}"]`);
  element.hidden = !/^https?:\/\//.test(url);
  if (!element.hidden) element.href = url;
};

// refuse explains why there is nothing to accept.
const refuse = (answer) => {
  const ask = "Ask the person who invited you for a new one.";
  switch (answer.body.code) {
    case "invitation_expired":
      return problem("This invitation has expired", ask);
    case "invitation_gone":
      return problem("This invitation is over", "It was accepted already, or taken back. If you accepted it, you are a member and can simply log in. Otherwise: " + ask[0].toLowerCase() + ask.slice(1));
    case "invitation_not_found":
    case "not_found":
      return problem("This link leads nowhere", "Perhaps a part of it is missing, or a newer mail replaced it. Look for the newest invitation in your mail. " + ask);
    case "organization_suspended":
      return problem("This organization is suspended", "Nobody can join it at the moment. Try again later, or ask the person who invited you.");
  }
  problem(answer.status === 0 ? "No connection" : "The invitation cannot be opened", words(answer), start);
};

const choose = (form, known = false) => {
  for (const id of ["create", "login"]) $(id).hidden = id !== form;
  $("known").hidden = !known;
  $("no-account").hidden = known;
};

const accept = async (form, body, credential) => {
  const answer = await call("POST", "/auth/accept-invite", {token: token(), policy_version: invitation.policy_version, ...body}, credential);
  if (answer.status === 202) return show("mailed");
  if (answer.status === 200) return welcome(answer.body);
  switch (answer.body.code) {
    case "login_required":
      choose("login", true);
      return $("login-password").focus();
    case "email_mismatch":
      return complain(form, `The invitation is for ${invitation.email}. Log in with that account.`);
    case "email_unverified":
      return complain(form, "Your address is not verified yet. Open the verification link in your mail, or the invitation link that was mailed to you.");
  }
  if (answer.status === 404 || answer.status === 410) return refuse(answer);
  blame(form, answer);
};

const welcome = (tokens) => {
  tell("organization", tokens.organization.name);
  tell("role", tokens.organization.role);
  $("make-key").onclick = () => busy($("make-key"), () => makeKey(tokens));
  show("joined");
};

const makeKey = async ({organization, access_token}) => {
  const answer = await call("POST", `/api/organizations/${organization.id}/keys`, {name: "My first key"}, access_token);
  $("key-alert").hidden = answer.status === 201;
  if (answer.status !== 201) {
    $("key-alert").textContent = answer.status === 403 ? "Your role has no API keys of its own. Ask an administrator if you need one." : words(answer);
    return;
  }
  $("key").textContent = answer.body.key.secret;
  $("key-offer").hidden = true;
  $("key-shown").hidden = false;
  $("key").focus();
};

submit($("create"), () => accept($("create"), {name: $("name").value, password: $("password").value}));

submit($("login"), async () => {
  const answer = await call("POST", "/auth/login", {email: $("login-email").value, password: $("login-password").value});
  if (answer.status === 401) return complain($("login"), "The address or the password is wrong.");
  if (answer.status !== 200) return blame($("login"), answer);
  await accept($("login"), {}, answer.body.access_token);
});

for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => {
    choose(button.dataset.show);
    $(button.dataset.show).querySelector("input").focus();
  });
}

addEventListener("hashchange", start);
start();

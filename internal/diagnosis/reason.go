package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/route"
	"roster/internal/usage"
)

// Reason is one thing that stands in the way of a call.
type Reason struct {
	// Code is that of the refusal.
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// Level is whose permissions or list of models it is: role, team, member or key.
	Level string `json:"level,omitzero"`
	// Cause is how it came about, as far as that is known.
	Cause *Cause `json:"cause,omitzero"`
	// Remedy says what to do about it, and Call how.
	Remedy string `json:"remedy"`
	Call   *Call  `json:"remedy_call,omitzero"`
}

// Cause is who brought something about, when and why.
type Cause struct {
	// Event is that of the audit log which has the whole, if there is one.
	Event string            `json:"audit_event_id,omitzero"`
	By    *audit.PersonView `json:"by,omitzero"`
	At    time.Time         `json:"at,omitzero"`
	// Reason is what they said.
	Reason string `json:"reason,omitzero"`
}

// Call is a call of this API. What stands in angle brackets is to be chosen.
type Call struct {
	Method string         `json:"method"`
	Path   string         `json:"path"`
	Body   map[string]any `json:"body,omitzero"`
	// Permissions: whoever calls needs one of them.
	Permissions []permission.Permission `json:"permissions,omitzero"`
}

// withoutPeople is the reason for a gateway, to which a member's affairs are nothing.
func (r Reason) withoutPeople() Reason {
	r.Cause = nil
	return r
}

// call fills a route's path: names of parameters and their values follow.
func call(to route.ID, body map[string]any, parameters ...string) *Call {
	r := route.Of(to)
	return &Call{Method: r.Method(), Path: strings.NewReplacer(parameters...).Replace(r.Path()), Body: body, Permissions: r.Permissions}
}

// findings are what reasons are explained with.
type findings struct {
	member       member.Member
	organization organization.Organization
	key          id.Key
	// past is what befell the member, the newest first.
	past []audit.View
	// open is the invitation that waits for who was a member before.
	open *invitation.Invitation
	now  time.Time
}

// explain adds to a refusal how it came about, and what to do.
func (f findings) explain(refusal *fault.Error) Reason {
	r := Reason{Code: refusal.Code, Detail: refusal.Detail, Remedy: "See detail."}
	r.Level, _ = refusal.Members["level"].(string)
	switch refusal.Code {
	case access.ErrKey.Code:
		f.deadKey(&r)
	case access.ErrPending.Code:
		f.pending(&r)
	case access.ErrSuspended.Code:
		f.suspended(&r)
	case access.ErrNotMember.Code:
		f.removed(&r)
	case access.ErrOrgStopped.Code:
		r.Cause = &Cause{Reason: string(f.organization.SuspensionReason)}
		r.Remedy = "Ask those who run the deployment: they alone let the organization go on."
	case access.ErrOrgDeleted.Code:
		f.deleting(&r)
	case policy.ErrTwoFactor.Code:
		r.Remedy = "The member sets up two-factor authentication for their account."
		r.Call = f.call(route.SetUpTwoFactor, map[string]any{"password": "<password>"})
	case policy.ErrTerms.Code:
		terms := f.organization.Terms()
		r.Remedy = fmt.Sprintf("The member reads the policy, %s, and accepts it: nobody does so for them.", terms.URL)
		r.Call = f.call(route.AcceptPolicy, map[string]any{"policy_version": terms.Version})
	case access.ErrPermission.Code:
		f.lacksPermission(&r)
	case access.ErrModel.Code:
		f.modelLeftOut(&r)
	case usage.ErrLimit.Code:
		f.limitReached(&r, refusal)
	case usage.ErrRate.Code:
		f.rateLimited(&r, refusal)
	case usage.ErrNoPrice.Code:
		r.Remedy = "Give the model a price, or set a default tariff for all models without."
		r.Call = f.call(route.UpdatePrices, map[string]any{"default_tariff": map[string]any{"input_cost_per_token": "<amount>", "output_cost_per_token": "<amount>"}})
	case access.ErrNoConnection.Code:
		provider, named := refusal.Members["provider"].(string)
		if !named {
			provider = "<provider>"
		}
		r.Remedy = "Add a connection of the organization to the model's provider, or enable one."
		r.Call = f.call(route.CreateConnection, map[string]any{"name": provider, "provider": provider, "credential": "<credential>"})
	}
	return r
}

func (f findings) call(to route.ID, body map[string]any) *Call {
	parameters := []string{"{org_id}", string(f.organization.ID), "{user_id}", string(f.member.ID), "{key_id}", string(f.key), "{role}", f.member.Role}
	if f.member.Request != nil {
		parameters = append(parameters, "{request_id}", string(f.member.Request.ID))
	}
	return call(to, body, parameters...)
}

func (f findings) rateLimited(r *Reason, refusal *fault.Error) {
	reached, _ := refusal.Members["rate"].(usage.Rate)
	r.Level, r.Remedy = string(reached.Of), "Ask for less at once, or raise the rate."
	r.Call = f.call(route.SetLimits, f.limiting(reached.Of, "", string(reached.Name), "<number>"))
}

// limiting is the body of a call that changes a limit of an owner.
func (f findings) limiting(of usage.Owner, team id.Team, name, value string) map[string]any {
	body := map[string]any{name: value}
	switch of {
	case usage.OfKey:
		body["key_id"] = f.key
	case usage.OfTeam:
		body["team_id"] = team
	case usage.OfMember:
		body["user_id"] = f.member.ID
	}
	return body
}

func (f findings) limitReached(r *Reason, refusal *fault.Error) {
	reached, _ := refusal.Members["limit"].(usage.Bound)
	r.Level, r.Remedy = string(reached.Of), "Wait until the limit resets, or raise it."
	if reached.Of == usage.OfMember {
		r.Remedy = "Wait until the limit resets, raise it, or have the member ask for more (POST …/limit-requests)."
	}
	setBy := &Cause{By: &audit.PersonView{ID: reached.SetBy}}
	switch {
	case reached.SetBy == "":
	case reached.Of == usage.OfMember:
		r.Cause = cmp.Or(f.newest(func(e audit.View) bool {
			return e.Action == audit.MemberLimitsChanged || e.Action == audit.LimitRequestApproved
		}), setBy)
	default:
		r.Cause = setBy
	}
	r.Call = f.call(route.SetLimits, f.limiting(reached.Of, reached.Team, string(reached.Window)+"_limit", "<amount>"))
}

func (f findings) deadKey(r *Reason) {
	r.Remedy = "Use one of the keys that the member has, or make a new one."
	r.Call = f.call(route.CreateKey, map[string]any{"user_id": f.member.ID, "name": "<name>"})
	if f.key.User() != f.member.ID {
		r.Detail, r.Remedy, r.Call = "The key is none of this member's.", "Ask about the member whose key it is, or use a key of this one.", nil
		return
	}
	if record, ok := f.member.Keys[f.key]; ok {
		r.Detail = fmt.Sprintf("The key %q has expired.", record.Name)
		r.Cause = &Cause{At: record.ExpiresAt.UTC()}
		r.Remedy = "Let the key end later, or use another."
		r.Call = f.call(route.UpdateKey, map[string]any{"expires_at": nil})
		return
	}
	for _, e := range f.past {
		switch {
		case e.Target == string(f.key) && e.Action == audit.KeyRevoked:
			r.Detail = "The key was revoked."
		case e.Target == string(f.key) && e.Action == audit.KeyTransferred:
			r.Detail = "The key was given to another member, with a new secret and id."
		case names(e.Before, "keys", string(f.key)) && !names(e.After, "keys", string(f.key)):
			r.Detail = "The key was revoked when its member was removed, or lost the address that they had claimed."
		default:
			continue
		}
		r.Cause = cause(e)
		return
	}
	r.Detail = "There is no such key."
}

func (f findings) pending(r *Reason) {
	r.Remedy = "Approve the join request, or reject it."
	if f.member.Request == nil {
		return
	}
	r.Cause = &Cause{By: f.person(f.member.ID), At: f.member.Request.At, Reason: string(f.member.Request.Message)}
	r.Call = f.call(route.ApproveJoinRequest, nil)
}

func (f findings) suspended(r *Reason) {
	r.Remedy = "Unsuspend the member; their keys then work again."
	r.Call = f.call(route.UnsuspendMember, nil)
	if s := f.member.Suspension; s != nil {
		r.Cause = f.known(audit.MemberSuspended, &Cause{By: &audit.PersonView{ID: s.By}, At: s.At, Reason: string(s.Reason)})
	}
}

func (f findings) removed(r *Reason) {
	r.Detail = "The member was removed, or left. Their keys are revoked."
	r.Cause = f.known(audit.MemberRemoved, nil)
	if f.open != nil {
		waiting := explainInvitation(*f.open, f.now)
		r.Remedy, r.Call = waiting.Detail+" "+waiting.Remedy, waiting.Call
		return
	}
	r.Remedy = "Invite them again; what they used stays theirs."
	r.Call = f.call(route.InviteMember, map[string]any{"email": f.member.Email, "role": f.member.Role})
}

func (f findings) deleting(r *Reason) {
	r.Remedy = "An owner can restore the organization as long as its data are kept."
	r.Call = f.call(route.RestoreOrganization, nil)
	if d := f.organization.Deletion; d != nil {
		r.Cause = &Cause{By: &audit.PersonView{ID: d.By, Name: d.Name}, At: d.At}
	}
}

func (f findings) lacksPermission(r *Reason) {
	if r.Level == "key" {
		r.Detail = "Whoever made the key for the member could not let it use models: it has no more rights than both had then."
		r.Remedy = "The member rotates the key, or makes one of their own."
		r.Call = f.call(route.RotateKey, nil)
		r.Cause = f.newest(func(e audit.View) bool {
			return e.Target == string(f.key) && (e.Action == audit.KeyCreated || e.Action == audit.KeyRotated)
		})
		return
	}
	r.Detail = fmt.Sprintf("The role %q does not allow to use models.", f.member.Role)
	r.Cause = f.newest(func(e audit.View) bool { return text(e.After, "role") == f.member.Role })
	r.Remedy = "Give the member a role with models:use."
	r.Call = f.call(route.UpdateMember, map[string]any{"role": permission.Member})
}

func (f findings) modelLeftOut(r *Reason) {
	more := map[string]any{"allowed_models": []string{"<models>"}}
	switch r.Level {
	case "role":
		r.Remedy = fmt.Sprintf("Add the model to those of the role %q.", f.member.Role)
		r.Call = f.call(route.UpdateRole, more)
	case "team":
		r.Remedy = "Add the model to those of one of the member's teams."
		r.Call = call(route.UpdateTeam, more, "{org_id}", string(f.organization.ID), "{team_id}", "<team_id>")
	case "key":
		r.Remedy = "Add the model to those of the key, or use another key."
		r.Call = f.call(route.UpdateKey, more)
		r.Cause = f.newest(func(e audit.View) bool { return e.Target == string(f.key) && has(e.After, "allowed_models") })
	default:
		r.Remedy = "Add the model to those of the member."
		r.Call = f.call(route.UpdateMember, more)
		r.Cause = f.newest(func(e audit.View) bool { return e.Target == string(f.member.ID) && has(e.After, "allowed_models") })
	}
}

// explainInvitation says how an invitation that nobody accepted stands.
func explainInvitation(i invitation.Invitation, now time.Time) Reason {
	r := Reason{
		Code: "invitation_pending", Detail: "The person was invited and has not accepted.",
		Cause:  &Cause{By: &audit.PersonView{ID: i.Invite.By, Name: i.Invite.ByName}, At: i.UpdatedAt},
		Remedy: fmt.Sprintf("They open the link in the mail to %s (which was %s; it may lie among the spam). Mail it again, or revoke it and invite another address.", i.Email, i.Delivery),
		Call:   call(route.ResendInvitation, nil, "{org_id}", string(i.Organization), "{invitation_id}", string(i.ID)),
	}
	switch i.StatusAt(now) {
	case invitation.Expired:
		r.Code, r.Detail = "invitation_expired", "The person was invited, and the invitation has expired."
		r.Remedy = "Mail the invitation again: it gets a new link and more time."
	case invitation.Revoked:
		r.Code, r.Detail = "invitation_revoked", "The invitation was revoked."
		r.Remedy = "Invite the person again."
		r.Cause = &Cause{At: i.UpdatedAt}
		r.Call = call(route.InviteMember, map[string]any{"email": i.Email, "role": i.Role}, "{org_id}", string(i.Organization))
	}
	return r
}

// known is the cause that the newest event of an action shows; else the one given.
func (f findings) known(action audit.Action, otherwise *Cause) *Cause {
	if found := f.newest(func(e audit.View) bool { return e.Action == action }); found != nil {
		return found
	}
	return otherwise
}

func (f findings) newest(is func(audit.View) bool) *Cause {
	if i := slices.IndexFunc(f.past, is); i >= 0 {
		return cause(f.past[i])
	}
	return nil
}

func (f findings) person(user id.User) *audit.PersonView {
	return &audit.PersonView{ID: user, Email: string(f.member.Email), Name: string(f.member.Name)}
}

func cause(e audit.View) *Cause {
	c := &Cause{Event: e.ID, At: e.At, Reason: e.Reason}
	if e.Actor.ID != "" {
		c.By = &audit.PersonView{ID: e.Actor.ID, Email: e.Actor.Email, Name: e.Actor.Name}
	}
	return c
}

// What an event shows, by its names in the API.

func shown(s audit.State) map[string]any {
	var values map[string]any
	if s == "" || json.Unmarshal([]byte(s), &values) != nil {
		return nil
	}
	return values
}

func has(s audit.State, name string) bool { _, ok := shown(s)[name]; return ok }

func text(s audit.State, name string) string { value, _ := shown(s)[name].(string); return value }

func names(s audit.State, list, value string) bool {
	values, _ := shown(s)[list].([]any)
	return slices.Contains(values, any(value))
}

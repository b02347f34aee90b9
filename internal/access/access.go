// Package access tells who calls: a person with an access token, or a member
// with an access token or API key. An Actor and an Identity come from here
// alone; nothing else can make one.
//
// Every call reads the membership anew: whoever is suspended or removed is
// refused on the very next one.
package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/route"
	"roster/internal/session"
	"roster/internal/table"
)

var (
	ErrCredential = fault.New(fault.Unauthenticated, "credential_required", "Send an access token or API key as Authorization: Bearer.")
	ErrKey        = fault.New(fault.Unauthenticated, "invalid_key", "The API key is unknown, expired or revoked.")
	ErrTestKey    = fault.New(fault.Forbidden, "test_key", "A test key asks and reports as gateways do, and does nothing else.")
	ErrSession    = fault.New(fault.Forbidden, "session_required", "This needs a person's access token, not an API key.")
	ErrOrg        = fault.New(fault.NotFound, "organization_not_found", "There is no such organization.")
	ErrNoOrg      = fault.New(fault.Forbidden, "no_organization", "The access token belongs to no organization; switch to one first.")
	ErrOrgStopped = fault.New(fault.Forbidden, "organization_suspended", "The organization is suspended.")
	ErrOrgDeleted = fault.New(fault.Forbidden, "organization_deleting", "The organization is being deleted. Its owners may restore it as long as its data are kept.")
	ErrSuspended  = fault.New(fault.Forbidden, "member_suspended", "The membership is suspended.")
	ErrPending    = fault.New(fault.Forbidden, "member_pending", "The membership awaits approval.")
	ErrEnded      = fault.New(fault.Forbidden, "membership_ended", "The membership had an end date, which is over.")
	ErrNotMember  = fault.New(fault.Forbidden, "not_a_member", "The caller is no longer a member of the organization.")
	ErrPermission = fault.New(fault.Forbidden, "permission_denied", "The caller's role does not allow this.")
	ErrPlatform   = fault.New(fault.Forbidden, "platform_administrator_required", "Only a platform administrator may do this.")
)

// Identity is a person with a live session.
type Identity struct {
	user    id.User
	account accountView
	session session.Session
	access  session.Access
	client  api.Client
}

func (i Identity) User() id.User                 { return i.user }
func (i Identity) Email() email.Address          { return i.account.Email }
func (i Identity) Name() field.Name              { return i.account.Name }
func (i Identity) Verified() bool                { return i.account.Verified }
func (i Identity) PlatformAdministrator() bool   { return i.account.Platform }
func (i Identity) TwoFactor() bool               { return i.account.TwoFactor != nil }
func (i Identity) Session() session.Session      { return i.session }
func (i Identity) Login() policy.Login           { return i.session.Login(i.account.PasswordLength) }
func (i Identity) Organization() id.Organization { return i.access.Organization }

// Epoch is that of the membership in the token's organization when it was issued.
func (i Identity) Epoch() int         { return i.access.Epoch }
func (i Identity) Client() api.Client { return i.client }

// Key is empty: a person calls in a session.
func (i Identity) Key() id.Key              { return "" }
func (i Identity) IdempotencyScope() string { return string(i.user) }

// Actor is an active member who calls.
type Actor struct {
	org         id.Organization
	orgView     organizationView
	user        id.User
	member      memberView
	permissions permission.Set
	key         id.Key
	// secret is the one of the key by which the actor calls.
	secret  Secret
	session id.Session
	// accountEpoch is that of the account in whose session the actor calls.
	accountEpoch int
	client       api.Client
}

func (a Actor) Organization() id.Organization    { return a.org }
func (a Actor) OrganizationName() string         { return a.orgView.Name }
func (a Actor) User() id.User                    { return a.user }
func (a Actor) Email() string                    { return a.member.Email }
func (a Actor) Role() string                     { return a.member.Role }
func (a Actor) Permissions() permission.Set      { return a.permissions }
func (a Actor) Roles() permission.Roles          { return a.orgView.Roles }
func (a Actor) Can(p permission.Permission) bool { return a.permissions.Has(p) }
func (a Actor) Key() id.Key                      { return a.key }
func (a Actor) Session() id.Session              { return a.session }
func (a Actor) Client() api.Client               { return a.client }

// In reports whether the actor is in a team.
func (a Actor) In(team id.Team) bool { return a.member.Teams[team] != "" }

// BoundBy reports whether a team names the models that the actor may call.
func (a Actor) BoundBy(team id.Team) bool { return a.orgView.TeamModels[team] != nil }

// Manages reports whether the actor may change a team and who is in it: as its
// manager, or as who manages members.
func (a Actor) Manages(team id.Team) bool {
	return a.Can(permission.MembersManage) || a.IsManagerOf(team)
}

// IsManagerOf reports whether the actor is a manager of the team.
func (a Actor) IsManagerOf(team id.Team) bool {
	return a.Can(permission.TeamsOwn) && a.member.Teams[team] == TeamManager
}

// ManagesAny reports whether one of the teams is managed by the actor.
func (a Actor) ManagesAny(teams map[id.Team]TeamRole) bool {
	for team := range teams {
		if a.Manages(team) {
			return true
		}
	}
	return a.Can(permission.MembersManage)
}

// IdempotencyScope keeps whoever holds another's key from the answers to the
// member's own calls: a secret may stand in them. What a test key did, it did in its
// sandbox alone.
func (a Actor) IdempotencyScope() string {
	scope := string(a.org) + "\n" + string(a.user) + "\n" + string(a.Holder())
	if a.key.Test() {
		scope += "\ntest"
	}
	return scope
}

// IsOwner reports whether the actor may do what only owners may.
func (a Actor) IsOwner() bool {
	return a.member.Role == permission.Owner && (a.secret.Cap == nil || a.secret.Cap.Owner)
}

// Holder is who has the credential in hand: the member, or whoever made the API
// key for them.
func (a Actor) Holder() id.User {
	if a.key == "" {
		return a.user
	}
	return a.secret.CreatedBy
}

// Restricted reports whether the actor calls with a key for certain models.
func (a Actor) Restricted() bool { return a.member.Keys[a.key].AllowedModels != nil }

// Stays is the check, at the time of a write, that the credential by which the
// actor calls was not ended since: the revocation or rotation of its key, or the
// end of all sessions of its account.
func (a Actor) Stays() table.Write {
	if a.key != "" {
		return table.Write{
			Key:    table.Member(a.org, a.user),
			If:     "#keys.#key.#digest = :digest OR #keys.#key.#previous.#digest = :digest",
			Names:  map[string]string{"key": string(a.key)},
			Values: table.V{"digest": a.secret.Digest}, Else: ErrKey,
		}
	}
	w := table.Write{Key: table.User(a.user), If: "attribute_not_exists(#session_epoch)", Else: session.ErrToken}
	if a.accountEpoch > 0 {
		w.If, w.Values = "#session_epoch = :epoch", table.V{"epoch": a.accountEpoch}
	}
	return w
}

// StaysIn is Stays for keys that were read, of the actor's own member.
func (a Actor) StaysIn(keys map[id.Key]KeyRecord, now time.Time) error {
	if a.key == "" {
		return nil
	}
	if _, ok := keys[a.key].secret(a.secret.Digest, now); !ok {
		return ErrKey
	}
	return nil
}

// StaysSecured is the check, at the time of a write, that the actor has two-factor
// authentication, which a service account needs not; otherwise it fails with refused.
func (a Actor) StaysSecured(refused error) table.Write {
	return table.Write{
		Key: table.Member(a.org, a.user), If: "#two_factor = :true OR #kind = :service",
		Values: table.V{"true": true, "service": serviceAccount}, Else: refused,
	}
}

// Location is the organization's time zone, in which its days and months are counted.
func (a Actor) Location() *time.Location { return a.orgView.TimeZone.Location() }

// Name is what people call the actor.
func (a Actor) Name() string {
	if a.member.Name != "" {
		return a.member.Name
	}
	return a.member.Email
}

// Person authenticates routes for anyone with an account.
func Person(e *env.Env) func(context.Context, *api.Request) (Identity, error) {
	return func(ctx context.Context, r *api.Request) (Identity, error) {
		token, ok := r.Bearer()
		if !ok {
			return Identity{}, ErrCredential
		}
		return person(ctx, e, token, r.Client())
	}
}

// PersonIfAny is Person for routes that work without a credential too; the
// Identity then has no user. A credential that is sent must be valid.
func PersonIfAny(e *env.Env) func(context.Context, *api.Request) (Identity, error) {
	return func(ctx context.Context, r *api.Request) (Identity, error) {
		if r.Header("Authorization") == "" {
			return Identity{client: r.Client()}, nil
		}
		return Person(e)(ctx, r)
	}
}

// PlatformAdministrator authenticates the routes of those who run the deployment.
func PlatformAdministrator(e *env.Env) func(context.Context, *api.Request) (Identity, error) {
	return func(ctx context.Context, r *api.Request) (Identity, error) {
		i, err := Person(e)(ctx, r)
		if err == nil && !i.PlatformAdministrator() {
			err = ErrPlatform
		}
		return i, err
	}
}

func person(ctx context.Context, e *env.Env, token string, client api.Client) (Identity, error) {
	if strings.HasPrefix(token, KeyPrefix) {
		if _, ok := ReadKeyText(token); !ok {
			return Identity{}, ErrKey
		}
		return Identity{}, ErrSession
	}
	access, err := verify(ctx, e, token)
	if err != nil {
		return Identity{}, err
	}
	var named bearer
	if err := e.Table.Get(ctx, named.reads(access)...); err != nil {
		return Identity{}, err
	}
	if err := named.admit(e.Now()); err != nil {
		return Identity{}, err
	}
	return Identity{user: access.User, account: *named.account, session: *named.session, access: access, client: client}, nil
}

// bearer is the account and the session that an access token names; nil where
// there is none any more.
type bearer struct {
	account *accountView
	session *session.Session
}

func (b *bearer) reads(token session.Access) []table.Read {
	return []table.Read{
		table.Into(table.User(token.User), &b.account),
		table.Into(table.Session(token.User, token.Session), &b.session),
	}
}

// admit refuses a token whose session has ended.
func (b bearer) admit(now time.Time) error {
	if b.account == nil || !b.session.Live(b.account.SessionEpoch, now) {
		return session.ErrToken
	}
	return nil
}

func verify(ctx context.Context, e *env.Env, token string) (session.Access, error) {
	keys, err := e.Keys(ctx)
	if err != nil {
		return session.Access{}, err
	}
	return session.Verify(e, keys, token)
}

// Member authenticates routes of an organization's members, and checks the
// route's permissions. A path that names another organization than the
// credential's is answered as if there were none. Test keys are for the hot path
// alone.
func Member(e *env.Env) func(context.Context, *api.Request) (Actor, error) {
	read := func(ctx context.Context, a *Actor, further ...table.Read) error { return a.read(ctx, e, further...) }
	return func(ctx context.Context, r *api.Request) (Actor, error) {
		a, err := authenticate(ctx, e, r, (*api.Request).Bearer, read)
		if err == nil && a.key.Test() {
			err = ErrTestKey
		}
		return a, err
	}
}

// reading fills an Actor's member and organization, and makes further reads, in
// one round trip.
type reading func(ctx context.Context, a *Actor, further ...table.Read) error

// presented returns the credential of a request.
type presented func(*api.Request) (string, bool)

func authenticate(ctx context.Context, e *env.Env, r *api.Request, presented presented, read reading) (Actor, error) {
	token, ok := presented(r)
	if !ok {
		return Actor{}, ErrCredential
	}
	var (
		actor Actor
		err   error
	)
	if strings.HasPrefix(token, KeyPrefix) {
		actor, err = byKey(ctx, e, token, read)
	} else {
		actor, err = byToken(ctx, e, r, token, read)
	}
	if err != nil {
		return Actor{}, err
	}
	if named := r.Path("org_id"); named != "" && named != string(actor.org) {
		return Actor{}, ErrOrg
	}
	if err := actor.admit(e.Now(), exceptions{r.Route.WhileDeleting(), r.Route.Before}, r.Route.Permissions...); err != nil {
		return Actor{}, err
	}
	actor.client = r.Client()
	return actor, nil
}

func byKey(ctx context.Context, e *env.Env, token string, read reading) (Actor, error) {
	text, ok := ReadKeyText(token)
	if !ok {
		return Actor{}, ErrKey
	}
	a := Actor{org: text.Organization, user: text.User, key: text.Key}
	if err := read(ctx, &a); err != nil {
		return Actor{}, err
	}
	if a.secret, ok = a.member.Keys[text.Key].Admits(text, e.Now()); !ok {
		return Actor{}, ErrKey
	}
	a.permissions = a.secret.Cap.Bound(a.permissions)
	return a, nil
}

func byToken(ctx context.Context, e *env.Env, r *api.Request, token string, read reading) (Actor, error) {
	access, err := verify(ctx, e, token)
	if err != nil {
		return Actor{}, err
	}
	if access.Organization == "" {
		if _, err := person(ctx, e, token, r.Client()); err != nil {
			return Actor{}, err
		}
		if r.Path("org_id") != "" {
			return Actor{}, ErrOrg
		}
		return Actor{}, ErrNoOrg
	}
	a := Actor{org: access.Organization, user: access.User, session: access.Session}
	var named bearer
	if err := read(ctx, &a, named.reads(access)...); err != nil {
		return Actor{}, err
	}
	if err := named.admit(e.Now()); err != nil {
		return Actor{}, err
	}
	// Whoever was suspended or removed since hears that; whoever came back has
	// to log in anew, as has whose session the organization ended.
	if a.member.Status == Active && (a.member.Epoch != access.Epoch || named.session.IsEndedIn(a.org)) {
		return Actor{}, session.ErrToken
	}
	a.accountEpoch = named.account.SessionEpoch
	return a, nil
}

// read gets the membership and the organization in one round trip.
func (a *Actor) read(ctx context.Context, e *env.Env, further ...table.Read) error {
	var (
		member *memberView
		org    *organizationView
	)
	if err := e.Table.Get(ctx, append(further,
		table.Into(table.Member(a.org, a.user), &member),
		table.Into(table.Organization(a.org), &org),
	)...); err != nil {
		return err
	}
	if member != nil {
		a.member = member.at(e.Now())
	}
	if org != nil {
		a.orgView = *org
	}
	a.permissions = a.member.permissions(a.orgView.Roles)
	return nil
}

// exceptions are what a route allows that others do not.
type exceptions struct {
	// whileDeleting admits an owner, in person, to an organization that is being
	// deleted.
	whileDeleting bool
	// before tells of which demands one may be admitted who does not meet them; nil, of
	// none.
	before func(route.Demand) bool
}

// admit refuses who is no active member of an active organization, does not meet its
// demands, or has none of the permissions that are needed. Keys of a person are refused
// with them.
func (a Actor) admit(now time.Time, may exceptions, needed ...permission.Permission) error {
	if err := a.member.Status.Admit(); err != nil {
		return err
	}
	if err := AdmitTo(a.orgView.Status); err != nil && !(may.whileDeleting && a.mayRestore()) {
		return err
	}
	for _, d := range demands {
		if err := d.unmet(a.orgView, a.member, now); err != nil && (may.before == nil || !may.before(d.of)) {
			return err
		}
	}
	if len(needed) > 0 && !slices.ContainsFunc(needed, a.Can) {
		return ErrPermission.With("permission", needed[0])
	}
	return nil
}

// mayRestore reports whether the actor is an owner, in person, of an organization
// that is being deleted: they see what it holds, and may restore it.
func (a Actor) mayRestore() bool {
	return a.orgView.Status == deleting && a.IsOwner() && a.key == ""
}

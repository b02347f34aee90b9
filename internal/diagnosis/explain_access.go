// Package diagnosis tells why somebody may not use models, since when, by whom, and
// what to do about it: every reason, not the first alone.
package diagnosis

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/model"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/page"
	"roster/internal/permission"
	"roster/internal/price"
	"roster/internal/route"
	"roster/internal/spending"
	"roster/internal/usage"
)

// Service explains.
type Service struct{ *env.Env }

// Endpoints are the routes of explanations.
func Endpoints(e *env.Env) []api.Endpoint {
	return []api.Endpoint{api.Handle(route.ExplainAccess, access.Member(e), Service{e}.ExplainAccess)}
}

// Subject is a member, or who waits to become one: the id of a user, an invitation or
// a join request.
type Subject struct {
	user       id.User
	invitation id.Invitation
}

var errSubject = errors.New("is not the id of a member, an invitation or a join request")

func (s *Subject) UnmarshalText(b []byte) error {
	var request id.JoinRequest
	switch {
	case s.user.UnmarshalText(b) == nil, s.invitation.UnmarshalText(b) == nil:
		return nil
	case request.UnmarshalText(b) == nil:
		s.user = request.User()
		return nil
	}
	return errSubject
}

// Request asks about a member's call of a model: through one of their keys, if one is
// named, and of any model, if none is.
type Request struct {
	// Subject is a member; or an invitation or a join request, as lists of members show
	// who waits.
	Subject Subject     `path:"user_id" json:"-"`
	Key     id.Key      `query:"key_id" json:"-"`
	Model   usage.Model `query:"model" json:"-"`
}

// Answer is the explanation.
type Answer struct {
	Access Access `json:"access"`
}

// Access is whether a member may use models now, as authorizing decides it.
type Access struct {
	Allowed bool `json:"allowed"`
	// Code is that which authorizing answers: ok, or that of the first reason.
	Code string `json:"code"`
	// User is null for who was invited and has not accepted.
	User *id.User `json:"user_id"`
	// Reasons are all that stand in the way; none where nothing does.
	Reasons []Reason `json:"reasons"`
	// Connection is whose connection serves the call, where the organization requires
	// one.
	Connection access.ConnectionScope `json:"connection_scope,omitzero"`
	// AllowedModels are those that may be called, where not all may.
	AllowedModels model.List `json:"allowed_models,omitzero"`
	// Keys are the live keys, by which to find whether the one in hand is among them.
	// Told to those who may see the member, as are limits and usage.
	Keys []KeyView `json:"keys,omitzero"`
	// Limits are what the member may spend.
	Limits *Limits `json:"limits,omitzero"`
	// Usage is what they used this month, where reports seem to miss some.
	Usage *Usage    `json:"usage,omitzero"`
	AsOf  time.Time `json:"as_of"`
}

// KeyView is a key without its secret, whose last characters Hint shows.
type KeyView struct {
	ID        id.Key    `json:"id"`
	Name      string    `json:"name"`
	Hint      string    `json:"hint"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Limits are what binds the member, and what is left of it.
type Limits struct {
	spending.Binding
	Remaining usage.Remaining `json:"remaining"`
}

// Usage is what the member used this month, and what reports leave out of it.
type Usage struct {
	usage.Current
	// LastActiveAt says the last day on which there was anything.
	LastActiveAt *time.Time `json:"last_active_at"`
	// Notes say where to look for usage that a report does not show.
	Notes []string `json:"notes"`
}

// ExplainAccess tells whether a member may use models now, and if not, every reason:
// what is in the way, who put it there when and why, and which call removes it. Members
// may ask about themselves, gateways with usage:write about everyone.
func (s Service) ExplainAccess(ctx context.Context, by access.Actor, in Request) (Answer, error) {
	if in.Subject.user != by.User() && !by.Can(permission.MembersManage) && !by.Can(permission.UsageWrite) && !by.Can(permission.TeamsOwn) {
		return Answer{}, access.ErrPermission.With("permission", permission.MembersManage)
	}
	if in.Subject.invitation != "" {
		return s.invited(ctx, by, in)
	}
	return s.member(ctx, by, in, in.Subject.user)
}

func (s Service) member(ctx context.Context, by access.Actor, in Request, user id.User) (Answer, error) {
	var (
		m *member.Member
		o *organization.Organization
	)
	if err := s.Table.Get(ctx, member.Read(by.Organization(), user, &m), organization.Read(by.Organization(), &o)); err != nil {
		return Answer{}, err
	}
	sees := user == by.User() || by.Can(permission.MembersManage) || m != nil && by.ManagesAny(m.Teams)
	switch {
	case !sees && !by.Can(permission.UsageWrite):
		return Answer{}, access.ErrPermission.With("permission", permission.MembersManage)
	case m == nil || o == nil:
		return Answer{}, member.ErrNotFound
	}
	path := access.NewHotPath(s.Env) // what another knew two seconds ago would be no explanation
	standing, err := path.Standing(ctx, by, user)
	if err != nil {
		return Answer{}, err
	}
	now := s.Now()
	standing = standing.Through(in.Key, nil, now)
	refusals, served, err := path.Refusals(ctx, standing, string(in.Model))
	if err != nil {
		return Answer{}, err
	}
	limited, err := usage.LimitReached(ctx, s.Table, by.Organization(), standing, in.Key, now)
	if err != nil {
		return Answer{}, err
	}
	if limited != nil {
		refusals = append(refusals, limited)
	}
	unpriced := usage.Priced(ctx, price.NewBook(s.Env), by.Organization(), standing, in.Model)
	if refusal, ok := errors.AsType[*fault.Error](unpriced); ok && refusal.Is(usage.ErrNoPrice) {
		refusals = append(refusals, refusal)
	} else if unpriced != nil {
		return Answer{}, unpriced
	}
	out := Access{
		Allowed: len(refusals) == 0, Code: usage.CodeOK, User: &user, Reasons: []Reason{},
		Connection: served, AllowedModels: standing.AllowedModels(), AsOf: now,
	}
	c := findings{member: *m, organization: *o, key: in.Key, now: now}
	if sees && len(refusals) > 0 {
		if c.past, err = s.past(ctx, by, user); err != nil {
			return Answer{}, err
		}
		if c.open, err = s.openInvitation(ctx, *m); err != nil {
			return Answer{}, err
		}
	}
	for _, refusal := range refusals {
		reason := c.explain(refusal)
		if !sees {
			reason = reason.withoutPeople()
		}
		out.Reasons = append(out.Reasons, reason)
	}
	if len(refusals) > 0 {
		out.Code = refusals[0].Code
	}
	if sees {
		err = out.figures(*m, *o, standing, now)
	}
	return Answer{out}, err
}

// past is what befell the member, the newest first.
func (s Service) past(ctx context.Context, by access.Actor, user id.User) ([]audit.View, error) {
	found, err := audit.Service{Env: s.Env}.ListEvents(ctx, by, audit.ListRequest{User: user, Request: page.Request{Limit: 100}})
	return found.Events, err
}

// openInvitation is that of who was a member before.
func (s Service) openInvitation(ctx context.Context, m member.Member) (*invitation.Invitation, error) {
	if m.Status != access.Removed || m.Email == "" {
		return nil, nil
	}
	var open *invitation.Invitation
	err := s.Table.Get(ctx, invitation.Read(m.Organization, m.Email, &open))
	if !open.Open() {
		return nil, err
	}
	return open, err
}

// invited explains an invitation; who accepted it is the member that they are.
func (s Service) invited(ctx context.Context, by access.Actor, in Request) (Answer, error) {
	if !by.Can(permission.MembersManage) {
		return Answer{}, access.ErrPermission.With("permission", permission.MembersManage)
	}
	var i *invitation.Invitation
	if err := s.Table.Get(ctx, invitation.ReadByID(by.Organization(), in.Subject.invitation, &i)); err != nil {
		return Answer{}, err
	}
	if i == nil || i.ID != in.Subject.invitation {
		return Answer{}, member.ErrNotFound
	}
	if i.AcceptedBy != "" {
		return s.member(ctx, by, in, i.AcceptedBy)
	}
	reason := explainInvitation(*i, s.Now())
	return Answer{Access{Code: reason.Code, Reasons: []Reason{reason}, AsOf: s.Now()}}, nil
}

// figures adds what those see who may see the member.
func (a *Access) figures(m member.Member, o organization.Organization, standing access.Standing, now time.Time) error {
	for _, key := range slices.Sorted(maps.Keys(m.Keys)) {
		if record := m.Keys[key]; !record.Expired(now) {
			a.Keys = append(a.Keys, KeyView{key, record.Name, record.Hint, record.ExpiresAt})
		}
	}
	current, err := usage.CurrentOf(standing, now)
	if err != nil {
		return err
	}
	binding := m.Limits(o, now)
	a.Limits = &Limits{binding, usage.Remaining{
		Daily: left(binding.DailyLimit, current.Spend.Daily), Monthly: left(binding.MonthlyLimit, current.Spend.Monthly),
	}}
	a.Usage = &Usage{Current: current, Notes: []string{"Reports count a call as soon as it is reported: what is missing has not been reported yet."}}
	if !m.LastActiveAt.IsZero() {
		a.Usage.LastActiveAt = new(m.LastActiveAt.UTC())
	}
	if current.Requests == 0 {
		a.Usage.Notes = append(a.Usage.Notes, "Nothing was counted this month: name earlier days, as start_date and end_date of the report.")
	}
	if current.Personal > 0 {
		a.Usage.Notes = append(a.Usage.Notes, "Calls over personal connections are left out of the organization's reports; personal_requests counts them.")
	}
	return nil
}

func left(limit *money.Amount, spent money.Amount) *money.Amount {
	if limit == nil {
		return nil
	}
	return new(max(0, *limit-spent))
}

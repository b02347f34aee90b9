package member

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/organization"
	"roster/internal/policy"
	"roster/internal/table"
)

// Acceptance says which version of the organization's policy a member accepted. The
// address that it had then stands in the audit event.
type Acceptance struct {
	Version int       `dynamodbav:"version"`
	At      time.Time `dynamodbav:"at,unixtime"`
	How     Accepting `dynamodbav:"how"`
	URL     field.URL `dynamodbav:"-"`
}

// Accepting is by what a person accepted a policy.
type Accepting string

const (
	// ByInvitation: they accepted an invitation, whose mail or page led to it.
	ByInvitation Accepting = "invitation"
	// ByJoinRequest: the answer to their request led to it, and they left the request
	// standing until they were let in.
	ByJoinRequest Accepting = "join_request"
	// ByConsent: they said so.
	ByConsent Accepting = "consent"
)

// AcceptPolicyRequest accepts the organization's policy.
type AcceptPolicyRequest struct {
	// Version is that which was shown to the person; the current one, where it is not
	// said.
	Version organization.PolicyVersion `json:"policy_version,omitzero"`
}

var (
	errNoPolicy      = fault.New(fault.Conflict, "no_policy", "The organization has no policy.")
	errPolicyChanged = fault.New(fault.Conflict, "policy_changed", "The policy has another version by now; read and accept that.")
)

// AcceptPolicy notes that the caller, in person, accepts the organization's policy as
// it is. A repeat changes nothing.
func (s Service) AcceptPolicy(ctx context.Context, by access.Actor, in AcceptPolicyRequest) (out Answer, err error) {
	if by.Key() != "" {
		return Answer{}, access.ErrSession
	}
	err = table.Retry(ctx, func() error {
		var (
			read *Member
			o    *organization.Organization
		)
		if err := s.Table.Get(ctx, Read(by.Organization(), by.User(), &read), organization.Read(by.Organization(), &o)); err != nil {
			return err
		}
		if read == nil || o == nil {
			return access.ErrNotMember
		}
		if err := Lapse(ctx, s.Env, read); err != nil {
			return err
		}
		now, terms := s.Now(), o.Terms()
		switch {
		case terms.Version == 0:
			return errNoPolicy
		case in.Version != 0 && int(in.Version) != terms.Version:
			return errPolicyChanged.With("policy_version", terms.Version).With("policy_url", terms.URL)
		}
		m := read.Accept(terms, ByConsent, now)
		if m.Accepted == read.Accepted {
			out = answer(*read).of(terms)
			return nil
		}
		before, after := Difference(read, m)
		out, err = api.Commit(ctx, s.Table, answer(m.next(*read, now)).of(terms), append(Save(read, m, now), audit.Record(now, m.Organization, audit.Event{
			Action: audit.MemberPolicyAccepted, Actor: audit.Member(by), Target: string(m.ID), Before: before, After: after,
		}))...)
		return err
	})
	return out, err
}

// Accept is the member who accepts terms; whoever has accepted them, or later ones,
// stays as they are.
func (m Member) Accept(t policy.Terms, how Accepting, at time.Time) Member {
	if t == (policy.Terms{}) || m.Accepted != nil && m.Accepted.Version >= t.Version {
		return m
	}
	m.Accepted = &Acceptance{Version: t.Version, At: at.Truncate(time.Second), How: how, URL: t.URL}
	return m
}

// Owed are the terms that the member has to accept before they do anything in the
// organization; zero, none.
func (m Member) Owed(o organization.Organization) policy.Terms {
	accepted := 0
	if m.Accepted != nil {
		accepted = m.Accepted.Version
	}
	if !o.RequirePolicyAcceptance || m.Kind == ServiceAccount || o.Terms().Act(accepted) == nil {
		return policy.Terms{}
	}
	return o.Terms()
}

// recorded is what an audit event shows of an acceptance.
func (a *Acceptance) recorded() any {
	if a == nil {
		return nil
	}
	shown := map[string]any{"version": a.Version, "accepted_at": stamp(a.At), "how": a.How}
	if a.URL != "" {
		shown["url"] = a.URL
	}
	return shown
}

package member

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/user"
)

// SessionsRequest asks for a page of a member's sessions.
type SessionsRequest struct {
	User id.User `path:"user_id" json:"-"`
	page.Request
}

// EndSessionsRequest names the member whose sessions end.
type EndSessionsRequest struct {
	User id.User `path:"user_id" json:"-"`
}

// EndSessionRequest names one session of a member.
type EndSessionRequest struct {
	User    id.User    `path:"user_id" json:"-"`
	Session id.Session `path:"session_id" json:"-"`
}

var (
	// ErrLogInAgain refuses the organization to a session that it ended.
	ErrLogInAgain = fault.New(fault.Unauthenticated, "session_ended",
		"The organization ended this session. Log in again to enter it.")
	errNoSessions = fault.New(fault.Conflict, "no_sessions", "A service account has no sessions: revoke its keys instead.")
)

// ListMemberSessions lists the sessions of a member that are in the organization;
// where else the person is logged in is no affair of its.
func (s Service) ListMemberSessions(ctx context.Context, by access.Actor, in SessionsRequest) (session.Page, error) {
	var (
		m *Member
		u *user.User
	)
	if err := s.Table.Get(ctx, Read(by.Organization(), in.User, &m), user.Read(in.User, &u)); err != nil {
		return session.Page{}, err
	}
	switch {
	case m == nil:
		return session.Page{}, ErrNotFound
	case u == nil:
		return session.Page{Sessions: []session.View{}}, nil
	}
	return session.ListIn(ctx, s.Env, in.Request, u.ID, u.SessionEpoch, m.Organization, m.Epoch, by.Session())
}

// EndMemberSessions ends a member's sessions in the organization from their next
// call on: to enter it again takes a log-in. Elsewhere the person stays logged in,
// and keys go on to work.
func (s Service) EndMemberSessions(ctx context.Context, by access.Actor, in EndSessionsRequest) (out Answer, err error) {
	err = table.Retry(ctx, func() error {
		read, err := Get(ctx, s.Table, by.Organization(), in.User)
		if err != nil {
			return err
		}
		if read == nil {
			return ErrNotFound
		}
		now := s.Now()
		m, err := read.EndSessions(by, now)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, answer(m.next(*read, now)), append(Save(read, m, now), audit.Record(now, m.Organization, audit.Event{
			Action: audit.MemberSessionsEnded, Actor: audit.Member(by), Target: string(m.ID),
		}))...)
		return err
	})
	return out, err
}

// MayEndSessions refuses a caller to end sessions of the member.
func (m Member) MayEndSessions(by Caller) error {
	if m.Kind == ServiceAccount {
		return errNoSessions
	}
	if err := MayChange(by, m); err != nil {
		return err
	}
	return m.present()
}

// EndSessions ends what was logged in before a time.
func (m Member) EndSessions(by Caller, now time.Time) (Member, error) {
	if err := m.MayEndSessions(by); err != nil {
		return m, err
	}
	m.Epoch++
	m.SessionsEndedAt = new(now)
	return m, nil
}

// EndMemberSession ends one of a member's sessions that are in the organization, as
// EndMemberSessions ends all. A repeat changes nothing. What is in another organization,
// or in none, is not found.
func (s Service) EndMemberSession(ctx context.Context, by access.Actor, in EndSessionRequest) (out Answer, err error) {
	err = table.Retry(ctx, func() error {
		var (
			m      *Member
			u      *user.User
			ending *session.Session
		)
		if err := s.Table.Get(ctx, Read(by.Organization(), in.User, &m), user.Read(in.User, &u),
			table.Into(table.Session(in.User, in.Session), &ending)); err != nil {
			return err
		}
		if m == nil {
			return ErrNotFound
		}
		if err := m.MayEndSessions(by); err != nil {
			return err
		}
		now := s.Now()
		out = answer(*m)
		switch {
		case u == nil || !ending.Live(u.SessionEpoch, now):
			return session.ErrNotFound
		case ending.IsEndedIn(m.Organization):
			return nil
		case ending.Organization != m.Organization || ending.Epoch != m.Epoch || m.Status != access.Active:
			return session.ErrNotFound
		}
		out, err = api.Commit(ctx, s.Table, out, ending.EndIn(), m.Stays(), audit.Record(now, m.Organization, audit.Event{
			Action: audit.MemberSessionEnded, Actor: audit.Member(by), Target: string(m.ID),
			Before: map[string]any{"session_id": ending.ID, "logged_in_at": stamp(ending.CreatedAt), "ip": ending.IP, "agent": ending.Agent},
		}))
		return err
	})
	return out, err
}

// Enter returns why a session may not enter the organization; nil if it may.
func (m Member) Enter(s session.Session) error {
	if m.SessionsEndedAt != nil && !s.CreatedAt.After(*m.SessionsEndedAt) || s.IsEndedIn(m.Organization) {
		return ErrLogInAgain
	}
	return nil
}

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

var (
	// ErrLogInAgain refuses the organization to a session that it ended.
	ErrLogInAgain = fault.New(fault.Unauthenticated, "session_ended",
		"The organization ended this member's sessions. Log in again to enter it.")
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

// EndSessions ends what was logged in before a time.
func (m Member) EndSessions(by Caller, now time.Time) (Member, error) {
	if m.Kind == ServiceAccount {
		return m, errNoSessions
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if err := m.present(); err != nil {
		return m, err
	}
	m.Epoch++
	m.SessionsEndedAt = new(now)
	return m, nil
}

// Enter returns why a session that was opened at a time may not enter the
// organization; nil if it may.
func (m Member) Enter(loggedIn time.Time) error {
	if m.SessionsEndedAt != nil && !loggedIn.After(*m.SessionsEndedAt) {
		return ErrLogInAgain
	}
	return nil
}

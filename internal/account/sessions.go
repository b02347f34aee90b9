package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/user"
)

// SessionsRequest asks for a page of sessions.
type SessionsRequest struct{ page.Request }

// SessionRequest names a session.
type SessionRequest struct {
	Session id.Session `path:"session_id" json:"-"`
}

// ListSessions lists the caller's sessions that go on.
func (s Service) ListSessions(ctx context.Context, by access.Identity, in SessionsRequest) (session.Page, error) {
	return session.List(ctx, s.Env, in.Request, by.User(), by.Session().AccountEpoch, by.Session().ID)
}

// EndSession ends one of the caller's sessions, with all of its tokens. Their own is
// ended by it as by Logout.
func (s Service) EndSession(ctx context.Context, by access.Identity, in SessionRequest) (Done, error) {
	var ending *session.Session
	if err := s.Table.Get(ctx, table.Into(table.Session(by.User(), in.Session), &ending)); err != nil {
		return Done{}, err
	}
	if !ending.Live(by.Session().AccountEpoch, s.Now()) {
		return Done{}, session.ErrNotFound
	}
	return api.Commit(ctx, s.Table, Done{}, session.End(by.User(), in.Session))
}

// EndOtherSessions ends all sessions of the caller but the one in which they call,
// also any that is opened by a log-in at the same time.
func (s Service) EndOtherSessions(ctx context.Context, by access.Identity, _ api.None) (Done, error) {
	return Done{}, table.Retry(ctx, func() error {
		u, err := user.Get(ctx, s.Table, by.User())
		switch {
		case err != nil:
			return err
		case u == nil, u.SessionEpoch != by.Session().AccountEpoch:
			return session.ErrToken
		}
		u.SessionEpoch++
		_, err = api.Commit(ctx, s.Table, Done{}, user.Save(*u, s.Now()), by.Session().Stay(u.SessionEpoch))
		return err
	})
}

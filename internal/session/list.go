package session

import (
	"context"
	"time"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/table"
)

// View is a session as its person sees it, and who ends it in an organization.
type View struct {
	ID        id.Session `json:"id"`
	CreatedAt time.Time  `json:"created_at"`
	// LastUsedAt is when the session's tokens were renewed last.
	LastUsedAt time.Time `json:"last_used_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	// IP and Agent are those of the log-in.
	IP    string `json:"ip"`
	Agent string `json:"agent"`
	// Organization is that of the newest tokens; null, they are for none.
	Organization *id.Organization `json:"organization_id"`
	// Current: it is the session of who asks.
	Current bool `json:"current"`
}

// Page is a page of sessions, the newest log-in first.
type Page struct {
	Sessions []View `json:"sessions"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// List reads a page of the sessions that go on in an account of that SessionEpoch;
// current is that of who asks.
func List(ctx context.Context, e *env.Env, asked page.Request, user id.User, accountEpoch int, current id.Session) (Page, error) {
	return list(ctx, e, asked, current, lasting(user, accountEpoch))
}

// ListIn reads a page of those whose newest tokens are for an organization, by a
// membership of that epoch, and which it did not end.
func ListIn(ctx context.Context, e *env.Env, asked page.Request, user id.User, accountEpoch int, org id.Organization, epoch int, current id.Session) (Page, error) {
	q := lasting(user, accountEpoch)
	q.Filter += " AND #organization = :org AND #epoch = :membership AND NOT contains(#ended_in, :org)"
	q.Values["org"], q.Values["membership"] = org, epoch
	return list(ctx, e, asked, current, q)
}

// lasting are the sessions of an account's present SessionEpoch.
func lasting(user id.User, accountEpoch int) table.Query {
	q := table.Query{PK: table.User(user).PK, Prefix: table.SessionPrefix, Descending: true, Values: table.V{}}
	if accountEpoch == 0 {
		q.Filter = "attribute_not_exists(#account_epoch)"
		return q
	}
	q.Filter, q.Values["account"] = "#account_epoch = :account", accountEpoch
	return q
}

func list(ctx context.Context, e *env.Env, asked page.Request, current id.Session, q table.Query) (Page, error) {
	all, next, err := page.Read[Session](ctx, e, asked, q)
	if err != nil {
		return Page{}, err
	}
	out := Page{Sessions: []View{}, NextCursor: next}
	for _, s := range all {
		if !e.Now().Before(s.ExpiresAt) {
			continue
		}
		v := View{
			ID: s.ID, CreatedAt: s.CreatedAt, LastUsedAt: s.IssuedAt, ExpiresAt: s.ExpiresAt,
			IP: s.IP, Agent: s.Agent, Current: s.ID == current,
		}
		if s.Organization != "" {
			v.Organization = new(s.Organization)
		}
		out.Sessions = append(out.Sessions, v)
	}
	return out, nil
}

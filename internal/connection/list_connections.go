package connection

import (
	"context"

	"roster/internal/access"
	"roster/internal/page"
	"roster/internal/table"
)

// ListRequest asks for a page of connections.
type ListRequest struct{ page.Request }

// ListAnswer is a page of connections, the oldest first.
type ListAnswer struct {
	Connections []View `json:"connections"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// ListConnections lists the organization's connections, without their credentials.
func (s Service) ListConnections(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
	return s.list(ctx, ofOrganization(by), in)
}

// ListMyConnections lists the caller's own connections, without their credentials.
func (s Service) ListMyConnections(ctx context.Context, by access.Identity, in ListRequest) (ListAnswer, error) {
	return s.list(ctx, ofPerson(by), in)
}

func (s Service) list(ctx context.Context, of owner, in ListRequest) (ListAnswer, error) {
	all, next, err := page.Read[Connection](ctx, s.Env, in.Request, table.Query{
		PK: of.partition(), Prefix: table.ConnectionPrefix,
	})
	if err != nil {
		return ListAnswer{}, err
	}
	out := ListAnswer{Connections: make([]View, len(all)), NextCursor: next}
	for i, c := range all {
		out.Connections[i] = c.view()
	}
	return out, nil
}

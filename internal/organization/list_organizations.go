package organization

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/table"
)

// ListRequest asks for a page of organizations.
type ListRequest struct{ page.Request }

// ListAnswer is a page of organizations, the oldest first.
type ListAnswer struct {
	Organizations []Listed `json:"organizations"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// Listed is an organization as those who run the deployment see it.
type Listed struct {
	ID     id.Organization `json:"id" dynamodbav:"id"`
	Name   field.Name      `json:"name" dynamodbav:"name"`
	Status Status          `json:"status" dynamodbav:"status"`
	// DeletesAt is when the data of one that is being deleted are erased.
	DeletesAt time.Time `json:"deletes_at,omitzero" dynamodbav:"expires_at"`
	CreatedAt time.Time `json:"created_at" dynamodbav:"created_at"`
	UpdatedAt time.Time `json:"updated_at" dynamodbav:"updated_at"`
}

// ListOrganizations lists every organization of the deployment.
func (s Service) ListOrganizations(ctx context.Context, _ access.Identity, in ListRequest) (out ListAnswer, err error) {
	out.Organizations, out.NextCursor, err = page.Read[Listed](ctx, s.Env, in.Request, table.Query{
		Index: table.ListIndex, PK: platformList,
	})
	return out, err
}

// After lists organizations of the deployment behind one, the oldest first, and
// whether there are more.
func After(ctx context.Context, t *table.Table, org id.Organization, limit int) (listed []Listed, more bool, err error) {
	q := table.Query{Index: table.ListIndex, PK: platformList, Limit: limit}
	if org != "" {
		q.From = string(org) + "!" // before every id but those up to org
	}
	read, err := t.Query(ctx, q)
	if err != nil {
		return nil, false, err
	}
	listed, err = table.DecodeAll[Listed](read.Items)
	return listed, read.Next != nil, err
}

// Package page reads lists page by page: how many rows are wanted, and the cursor
// to those that follow.
package page

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json"

	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/table"
)

// Request asks for a page; embed it in the request of a list.
type Request struct {
	Limit  Limit        `query:"limit" json:"-"`
	Cursor field.Cursor `query:"cursor" json:"-"`
}

// Read reads the page of a query's rows that is asked for, and the cursor to the
// next; empty at the end. A cursor goes on with the very query that it came from:
// of the same list, organization and filters.
func Read[Row any](ctx context.Context, e *env.Env, asked Request, q table.Query) (rows []Row, next string, err error) {
	binding := fmt.Sprintf("%q", []any{q.Index, q.PK, q.Prefix, q.From, q.To, q.Filter, q.Values})
	q.Limit = asked.Limit.Rows()
	if q.Start, err = Start(ctx, e, binding, asked.Cursor); err != nil {
		return nil, "", err
	}
	read, err := fill(ctx, e.Table, q)
	if err != nil {
		return nil, "", err
	}
	if rows, err = table.DecodeAll[Row](read.Items); err != nil {
		return nil, "", err
	}
	next, err = Cursor(ctx, e, binding, read.Next)
	return rows, next, err
}

const (
	defaultLimit = 50
	maxLimit     = 100
)

// Limit is how many rows a caller wants: 1 to 100; 50 where it is not said.
type Limit int

func (l *Limit) UnmarshalText(b []byte) error {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 1 || n > maxLimit {
		return errors.New("is not a number from 1 to 100")
	}
	*l = Limit(n)
	return nil
}

// Rows returns the number.
func (l Limit) Rows() int {
	if l == 0 {
		return defaultLimit
	}
	return int(l)
}

var errCursor = fault.InvalidParameter("cursor", "is not a next_cursor of this list with these filters")

// Cursor seals where a list goes on; empty at its end. It opens only for the
// same binding.
func Cursor(ctx context.Context, e *env.Env, binding string, next table.Item) (string, error) {
	if next == nil {
		return "", nil
	}
	names := make(map[string]string, len(next))
	for name, value := range next {
		names[name] = value.(*types.AttributeValueMemberS).Value // every key of the table is a string
	}
	b, err := json.Marshal(names)
	if err != nil {
		return "", err
	}
	keys, err := e.Keys(ctx)
	if err != nil {
		return "", err
	}
	return keys.Seal(b, "cursor\n"+binding), nil
}

// Start opens a cursor; nil for the empty one.
func Start(ctx context.Context, e *env.Env, binding string, cursor field.Cursor) (table.Item, error) {
	if cursor == "" {
		return nil, nil
	}
	keys, err := e.Keys(ctx)
	if err != nil {
		return nil, err
	}
	b, err := keys.Open(string(cursor), "cursor\n"+binding)
	if err != nil {
		return nil, errCursor
	}
	var names map[string]string
	if err := json.Unmarshal(b, &names); err != nil {
		return nil, errCursor
	}
	start := make(table.Item, len(names))
	for name, value := range names {
		start[name] = &types.AttributeValueMemberS{Value: value}
	}
	return start, nil
}

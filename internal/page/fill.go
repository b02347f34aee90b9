package page

import (
	"context"

	"roster/internal/table"
)

const (
	// fillRows is how many items are read at least to fill a page up, and
	// fillQueries how often: where the filter drops nearly all, a page is short
	// rather than slow.
	fillRows    = 25
	fillQueries = 10
)

// fill reads a page of at most q.Limit items that pass q.Filter.
func fill(ctx context.Context, t *table.Table, q table.Query) (table.Page, error) {
	rows := q.Limit
	var out table.Page
	for range fillQueries {
		read, err := t.Query(ctx, q)
		if err != nil {
			return table.Page{}, err
		}
		out.Items, out.Next = append(out.Items, read.Items...), read.Next
		if len(out.Items) > rows {
			out.Items = out.Items[:rows]
			out.Next = q.After(out.Items[rows-1])
		}
		if out.Next == nil || len(out.Items) == rows {
			break
		}
		q.Start, q.Limit = out.Next, max(fillRows, rows-len(out.Items))
	}
	return out, nil
}

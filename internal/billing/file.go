package billing

import (
	"net/url"
	"strconv"

	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/field"
)

// File is the members' lines as a file, if one was asked for.
func (a StatementAnswer) File() *api.File {
	if a.asked.Format != field.CSV {
		return nil
	}
	table := csvfile.New("statement", "status", "kind", "month", "user_id", "email", "name",
		"requests", "input_tokens", "output_tokens", "cost_usd")
	for _, line := range a.Statement.ByMember {
		kind := "usage"
		if line.Month != a.Statement.Month {
			kind = "adjustment"
		}
		table.Add(string(a.Statement.Month), string(a.Statement.Status), kind, string(line.Month), string(line.User), line.Email, line.Name,
			strconv.FormatInt(line.Requests, 10), line.Input.String(), line.Output.String(), line.Cost.String())
	}
	return &api.File{Name: "statement-" + string(a.Statement.Month) + ".csv", CSV: table.Bytes(), Next: a.next()}
}

// next is the query that goes on behind the answer's lines; empty at their end.
func (a StatementAnswer) next() string {
	if a.NextCursor == "" {
		return ""
	}
	query := url.Values{"format": {string(field.CSV)}, "cursor": {a.NextCursor}}
	if a.asked.Limit > 0 {
		query.Set("limit", strconv.Itoa(int(a.asked.Limit)))
	}
	return "?" + query.Encode()
}

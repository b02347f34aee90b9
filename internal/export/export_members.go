package export

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/field"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/page"
)

// MembersRequest asks for members as a file.
type MembersRequest struct {
	// Status is all but removed where it is not said.
	Status member.StatusFilter `query:"status" json:"-"`
	// Format is csv (the default) or json.
	Format field.Format `query:"format" json:"-"`
	// Cursor goes on with the next file: the header Link names it.
	Cursor field.Cursor `query:"cursor" json:"-"`
}

// MembersFile is a file of members.
type MembersFile struct {
	member.ListAnswer
	asked MembersRequest
}

const (
	// membersRead is how many members a page has, and membersHeld about how many a file.
	membersRead = 100
	membersHeld = 5_000
)

// ExportMembers lists members as a file. Where there are more than it holds, the header
// Link leads to the next one (rel="next", RFC 8288).
func (s Service) ExportMembers(ctx context.Context, by access.Actor, in MembersRequest) (MembersFile, error) {
	out := MembersFile{member.ListAnswer{Members: []member.Row{}}, in}
	asked := member.ListRequest{Status: in.Status, Request: page.Request{Limit: membersRead, Cursor: in.Cursor}}
	for length := 0; ; {
		read, err := s.members.ListMembers(ctx, by, asked)
		if err != nil {
			return MembersFile{}, err
		}
		b, err := json.Marshal(read.Members)
		if err != nil {
			return MembersFile{}, err
		}
		// A page of the largest rows is some hundred kilobytes.
		if length += api.Transported(b); length > api.MaxAnswer && len(out.Members) > 0 {
			return out, nil
		}
		out.Members, out.NextCursor = append(out.Members, read.Members...), read.NextCursor
		if out.NextCursor == "" || len(out.Members) >= membersHeld {
			return out, nil
		}
		if err := asked.Cursor.UnmarshalText([]byte(read.NextCursor)); err != nil {
			return MembersFile{}, err
		}
	}
}

// File is the list, to be saved.
func (f MembersFile) File() *api.File {
	return file("members", f.asked.Format, func() *csvfile.File { return membersTable(f.Members) }, f.next())
}

// next is the query that goes on behind the file; empty at the end.
func (f MembersFile) next() string {
	if f.NextCursor == "" {
		return ""
	}
	query := url.Values{"cursor": {f.NextCursor}}
	if f.asked.Format != "" {
		query.Set("format", string(f.asked.Format))
	}
	if f.asked.Status != "" {
		query.Set("status", string(f.asked.Status))
	}
	return "?" + query.Encode()
}

// membersTable has a column for each member of the metadata that one of the rows has.
func membersTable(rows []member.Row) *csvfile.File {
	named := map[string]bool{}
	metadata := make([]map[string]string, len(rows))
	for i, row := range rows {
		metadata[i] = top(row.Metadata)
		for name := range metadata[i] {
			named[name] = true
		}
	}
	names := slices.Sorted(maps.Keys(named))
	columns := []string{
		"user_id", "email", "name", "alias", "role", "status", "kind", "team_ids", "keys", "spend_usd", "monthly_limit_usd", "daily_limit_usd",
		"last_active_at", "ends_at", "created_at",
	}
	for _, name := range names {
		columns = append(columns, "metadata."+name)
	}
	t := csvfile.New(columns...)
	for i, row := range rows {
		cells := memberCells(row)
		for _, name := range names {
			cells = append(cells, metadata[i][name])
		}
		t.Add(cells...)
	}
	return t
}

func memberCells(row member.Row) []string {
	user := ""
	if row.UserID != nil {
		user = string(*row.UserID)
	}
	var teams []string
	for _, team := range row.Teams {
		teams = append(teams, string(team.ID))
	}
	return []string{
		user, string(row.Email), string(row.Name), string(row.Alias), row.Role, string(row.Status), string(row.Kind), strings.Join(teams, " "),
		strconv.Itoa(row.Keys), amount(row.Spend), amount(row.MonthlyLimit), amount(row.DailyLimit), instant(row.LastActiveAt), instant(row.EndsAt),
		row.CreatedAt.Format(time.RFC3339),
	}
}

// amount is empty where there is none: of a limit, it is unlimited.
func amount(a *money.Amount) string {
	if a == nil {
		return ""
	}
	return a.String()
}

func instant(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Format(time.RFC3339)
}

// top are the members of metadata: texts as they are, all others as JSON.
func top(m member.Metadata) map[string]string {
	var values map[string]jsontext.Value
	if json.Unmarshal([]byte(m), &values) != nil {
		return nil
	}
	all := make(map[string]string, len(values))
	for name, value := range values {
		all[name] = member.MetadataText(value)
	}
	return all
}

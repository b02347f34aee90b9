package export

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/job"
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
}

// MembersFile is a file of members, or the job that makes it.
type MembersFile struct {
	Members []member.Row `json:"members,omitzero"`
	Later
	format field.Format
}

// membersRead is how many members are read at once.
const membersRead = 100

// ExportMembers lists members as a file. One of more than 5 MB is made by a job (202):
// when it is done, its `file.url` fetches it.
func (s Service) ExportMembers(ctx context.Context, by access.Actor, in MembersRequest) (MembersFile, error) {
	out := MembersFile{Members: []member.Row{}, format: in.Format}
	length, cursor, all := 0, "", false
	for !all && length <= s.held {
		rows, next, err := s.membersFrom(ctx, by, in, cursor)
		if err != nil {
			return MembersFile{}, err
		}
		part, err := membersPart(in.Format, metadataNames(rows), rows, false, false, false)
		if err != nil {
			return MembersFile{}, err
		}
		out.Members, cursor, all, length = append(out.Members, rows...), next, next == "", length+api.Transported(part)
	}
	if all { // each row has the columns of all now
		if large, err := tooMuch(s, in.Format, out, out.table, nil); err != nil || !large {
			return out, err
		}
	}
	out.Members = nil
	var err error
	out.Later, err = later(ctx, s, by, s.membersJob(), in)
	return out, err
}

// membersFrom reads the next members, and the cursor to those behind; empty at the end.
func (s Service) membersFrom(ctx context.Context, by access.Actor, in MembersRequest, cursor string) ([]member.Row, string, error) {
	read, err := s.members.ListMembers(ctx, by, member.ListRequest{
		Status: in.Status, Request: page.Request{Limit: membersRead, Cursor: field.Cursor(cursor)},
	})
	return read.Members, read.NextCursor, err
}

// File is the list, to be saved.
func (f MembersFile) File() *api.File { return f.answered("members", f.format, f.table) }

func (f MembersFile) table() *csvfile.File {
	return membersTable(metadataNames(f.Members), f.Members)
}

// membersState is how far a job is with a file of members.
type membersState struct {
	// Names are those in the metadata that have a column, as far as they are known; where
	// All are, the rows can be written.
	Names []string `json:"names,omitzero"`
	All   bool     `json:"all,omitzero"`
	// Cursor leads to the members that come next: of the names first, then of the rows.
	Cursor string `json:"cursor,omitzero"`
	Rows   int    `json:"rows,omitzero"`
	File   upload `json:"file,omitzero"`
}

const (
	// pagesNamed is how many pages of members one step reads for their names.
	pagesNamed = 200
	// maxNames bounds the names that are columns, in bytes: the job's item has them.
	maxNames = 64 << 10
)

var errColumns = fault.New(fault.Invalid, "too_many_columns",
	"The members have more different names in their metadata than a table can have columns: format=json takes them all.")

func (s Service) membersJob() definition {
	return define("export_members", func(ctx context.Context, t job.Task[params], state string) (job.Step, error) {
		in, err := api.ReadQuery[MembersRequest](t.Params.Query)
		if err != nil {
			return job.Step{}, err
		}
		var at membersState
		if state != "" {
			if err := json.Unmarshal([]byte(state), &at); err != nil {
				return job.Step{}, err
			}
		}
		if in.Format != field.JSON && !at.All {
			err = s.nameColumns(ctx, t.By, in, &at)
		} else {
			var last bool
			if last, err = s.writeMembers(ctx, t, in, &at); err == nil && last {
				return s.finish(ctx, at.File, "members", in.Format, at.Rows)
			}
		}
		if err != nil {
			return job.Step{}, err
		}
		b, err := json.Marshal(at)
		return job.Step{State: string(b), Rows: at.Rows}, err
	})
}

// nameColumns goes on with the names of metadata: the first row of a table has them all.
// One that is new by the time the rows are written has no column.
func (s Service) nameColumns(ctx context.Context, by access.Actor, in MembersRequest, at *membersState) error {
	named := map[string]bool{}
	for _, name := range at.Names {
		named[name] = true
	}
	for range pagesNamed {
		rows, next, err := s.membersFrom(ctx, by, in, at.Cursor)
		if err != nil {
			return err
		}
		for _, name := range metadataNames(rows) {
			named[name] = true
		}
		if at.Cursor = next; next == "" {
			at.All = true
			break
		}
	}
	at.Names = slices.Sorted(maps.Keys(named))
	if len(strings.Join(at.Names, "")) > maxNames {
		return errColumns
	}
	return nil
}

// writeMembers writes a part of the file, and reports whether it is the last.
func (s Service) writeMembers(ctx context.Context, t job.Task[params], in MembersRequest, at *membersState) (last bool, err error) {
	if at.File, err = s.begun(ctx, t, at.File); err != nil {
		return false, err
	}
	var part []byte
	for !last && len(part) < s.part {
		rows, next, err := s.membersFrom(ctx, t.By, in, at.Cursor)
		if err != nil {
			return false, err
		}
		last = next == ""
		head := len(at.File.Tags) == 0 && part == nil
		b, err := membersPart(in.Format, at.Names, rows, head, at.Rows > 0, last)
		if err != nil {
			return false, err
		}
		part, at.Rows, at.Cursor = append(part, b...), at.Rows+len(rows), next
	}
	at.File, err = s.write(ctx, at.File, part)
	return last, err
}

// membersPart is what stands in a file for some of its members: with its head, behind
// others, with its end. A page of members may be empty.
func membersPart(format field.Format, names []string, rows []member.Row, head, behind, last bool) ([]byte, error) {
	if format != field.JSON {
		t := membersTable(names, rows)
		if !head {
			return t.Rows(), nil
		}
		return t.Bytes(), nil
	}
	list, err := json.Marshal(rows, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	list = list[1 : len(list)-1]
	switch {
	case head:
		list = append([]byte(`{"success":true,"members":[`), list...)
	case behind && len(rows) > 0:
		list = append([]byte(","), list...)
	}
	if last {
		list = append(list, "]}"...)
	}
	return list, nil
}

// metadataNames are the members of metadata that rows have, in order.
func metadataNames(rows []member.Row) []string {
	named := map[string]bool{}
	for _, row := range rows {
		for name := range top(row.Metadata) {
			named[name] = true
		}
	}
	return slices.Sorted(maps.Keys(named))
}

// membersTable has a column for each of the names of metadata.
func membersTable(names []string, rows []member.Row) *csvfile.File {
	columns := []string{
		"user_id", "email", "name", "alias", "role", "status", "kind", "team_ids", "keys", "spend_usd", "monthly_limit_usd", "daily_limit_usd",
		"last_active_at", "ends_at", "created_at",
	}
	for _, name := range names {
		columns = append(columns, "metadata."+name)
	}
	t := csvfile.New(columns...)
	for _, row := range rows {
		cells, metadata := memberCells(row), top(row.Metadata)
		for _, name := range names {
			cells = append(cells, metadata[name])
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

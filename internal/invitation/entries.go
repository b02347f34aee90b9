package invitation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/job"
	"roster/internal/team"
)

// entry is one of a bulk invitation's, read. It is also the row of a job.
type entry struct {
	// Invite is what is asked for; zero where the entry cannot be read.
	Invite InviteRequest `json:"invite,omitzero"`
	Place  place         `json:"place"`
	// Code and Detail say why it cannot be read.
	Code   string `json:"code,omitzero"`
	Detail string `json:"detail,omitzero"`
	// Repeats is where the address stands before; only its first entry counts.
	Repeats *place `json:"repeats,omitzero"`
}

func (e entry) subject() job.Subject { return job.Subject{Email: e.Invite.Email} }

// fault is why the entry cannot be read; nil if it can.
func (e entry) fault() error {
	if e.Code == "" {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Code: e.Code, Detail: e.Detail}
}

// place is where an entry stands in what was sent: in JSON by its index, in CSV by
// its line, with the places of the cells that are not empty.
type place struct {
	Index int                 `json:"index"`
	Line  int                 `json:"line,omitzero"`
	Cells map[string]position `json:"cells,omitzero"`
}

func (p place) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("line %d", p.Line)
	}
	return fmt.Sprintf("/invitations/%d", p.Index)
}

// locate makes a refusal of an entry's members say where these stand: by JSON
// pointers into the body, or by line and column.
func (p place) locate(err error) error {
	refused, ok := errors.AsType[*fault.Error](err)
	if !ok || len(refused.Fields) == 0 {
		return err
	}
	reasons := make([]string, len(refused.Fields))
	for i, f := range refused.Fields {
		if p.Line == 0 {
			reasons[i] = fmt.Sprintf("%s%s %s", p, f.Pointer, f.Reason)
			continue
		}
		name, at, ok := p.cell(f.Pointer)
		reasons[i] = fmt.Sprintf("%s: %s %s", p, name, f.Reason)
		if ok {
			reasons[i] = fmt.Sprintf("%s (%s): %s", at, name, f.Reason)
		}
	}
	located := refused.WithDetail(strings.Join(reasons, "; ") + ".")
	located.Fields = nil
	return located
}

// cell finds the column from which a member was read, and the cell if there is one.
func (p place) cell(pointer string) (name string, at position, ok bool) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	switch name {
	case "team_ids":
		name = "teams"
	case "metadata":
		name = metadataColumn + strings.NewReplacer("~1", "/", "~0", "~").Replace(rest)
		for column, at := range p.Cells {
			if rest == "" && strings.HasPrefix(column, metadataColumn) {
				return "metadata", at, true
			}
		}
	}
	at, ok = p.Cells[name]
	return name, at, ok
}

// entries reads what was sent, each entry by itself.
func (s Service) entries(ctx context.Context, by access.Actor, in BulkInviteRequest) ([]entry, error) {
	var (
		all []entry
		err error
	)
	if in.Sheet.rows != nil {
		all, err = s.readSheet(ctx, by, in.Sheet.rows)
	} else {
		all = readList(in.Invitations)
	}
	firsts := map[email.Address]place{}
	for i := range all {
		of := all[i].Invite.Email
		if of == "" {
			continue
		}
		if first, ok := firsts[of]; ok {
			all[i].Repeats = &first
		} else {
			firsts[of] = place{Index: all[i].Place.Index, Line: all[i].Place.Line}
		}
	}
	return all, err
}

func readList(values []jsontext.Value) []entry {
	all := make([]entry, len(values))
	for i, value := range values {
		all[i] = readEntry(value, place{Index: i})
	}
	return all
}

// readEntry reads an entry as the body of the invitation of one person is read.
func readEntry(value jsontext.Value, at place) entry {
	in, err := api.Unmarshal[InviteRequest](value)
	if err != nil {
		return unreadableEntry(at, err)
	}
	return entry{Invite: in, Place: at}
}

func unreadableEntry(at place, err error) entry {
	e := entry{Place: at, Code: errRow.Code, Detail: errRow.Detail}
	if refused, ok := errors.AsType[*fault.Error](at.locate(err)); ok {
		e.Code, e.Detail = refused.Code, job.Detail(refused)
	}
	return e
}

// readSheet reads the rows of a table, in which teams may be called by their names.
func (s Service) readSheet(ctx context.Context, by access.Actor, rows []sheetRow) ([]entry, error) {
	var teams *team.Directory
	all := make([]entry, len(rows))
	for i, row := range rows {
		row.place.Index = i
		if row.err != nil {
			all[i] = unreadableEntry(row.place, row.err)
			continue
		}
		all[i] = readEntry(row.entry, row.place)
		if all[i].Code != "" || len(row.teams) == 0 {
			continue
		}
		if teams == nil {
			read, err := team.ReadDirectory(ctx, s.Table, by.Organization())
			if err != nil {
				return nil, err
			}
			teams = &read
		}
		all[i].Invite.TeamIDs = make(TeamIDs, len(row.teams))
		var err error
		for n, called := range row.teams {
			of, ok := teams.Find(called)
			if !ok {
				err = cmp.Or(err, noTeam(n))
			}
			all[i].Invite.TeamIDs[n] = id.Team(of)
		}
		if faults := all[i].Invite.Validate(); err == nil && len(faults) > 0 {
			err = fault.InvalidFields(faults...)
		}
		if err != nil {
			all[i] = unreadableEntry(row.place, err)
		}
	}
	return all, nil
}

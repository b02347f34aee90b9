package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/fault"
	"roster/internal/field"
)

// exportEvents is how many events an export looks at at most.
const exportEvents = 20_000

// tooLarge says which days fit: those after the one in which the answer was full.
func (r reader) tooLarge(full time.Time, zone *time.Location) error {
	begins := full.In(zone).AddDate(0, 0, 1).Format(time.DateOnly)
	reason := fmt.Sprintf("is too early: from %s on it would fit", begins)
	if begins > r.until.In(zone).Format(time.DateOnly) {
		reason = "leaves one day that is too much for one answer"
	}
	f := *api.ErrExport
	f.Fields = []fault.Field{{Parameter: "start_date", Reason: reason}}
	return &f
}

// export reads all that is asked for, if it fits into one answer.
func (s Service) export(ctx context.Context, by access.Actor, in ListRequest, r reader) (ListAnswer, error) {
	out := ListAnswer{Events: []View{}, file: in.Format}
	seen, size := 0, 0
	for at := r.first(); !at.end(); {
		events, _, after, err := r.read(ctx, at, pageEvents)
		if err != nil {
			return ListAnswer{}, err
		}
		var wanted []event
		for _, e := range events {
			if r.asked.matches(e) {
				wanted = append(wanted, e)
			}
		}
		views, err := s.views(ctx, by.Organization(), wanted)
		if err != nil {
			return ListAnswer{}, err
		}
		for _, v := range views {
			length, err := v.length(in.Format)
			if err != nil {
				return ListAnswer{}, err
			}
			if size += length; size > api.MaxAnswer {
				return ListAnswer{}, r.tooLarge(v.At, by.Location())
			}
		}
		out.Events = append(out.Events, views...)
		if seen += len(events); seen >= exportEvents && !after.end() {
			return ListAnswer{}, r.tooLarge(events[len(events)-1].At, by.Location())
		}
		at = after
	}
	return out, nil
}

// length is how much of an answer the event takes.
func (v View) length(as field.Format) (int, error) {
	if as == field.CSV {
		row := new(csvfile.File)
		row.Add(v.cells()...)
		return api.Transported(row.Bytes()), nil
	}
	b, err := json.Marshal(v)
	return api.Transported(b), err
}

var columns = []string{
	"id", "at", "action", "actor_kind", "actor_id", "actor_email", "actor_name", "key_id", "ip", "agent",
	"target", "about_user_id", "about_email", "about_name", "also", "before", "after", "reason",
}

// cells are those of the columns.
func (v View) cells() []string {
	about := PersonView{}
	if v.About != nil {
		about = *v.About
	}
	return []string{
		v.ID, v.At.Format(time.RFC3339Nano), string(v.Action), string(v.Actor.Kind), string(v.Actor.ID), v.Actor.Email, v.Actor.Name,
		string(v.Actor.Key), v.Actor.IP, v.Actor.Agent, v.Target, string(about.ID), about.Email, about.Name,
		strings.Join(v.Also, " "), string(v.Before), string(v.After), v.Reason,
	}
}

// File is the answer as a file, if one was asked for.
func (a ListAnswer) File() *api.File {
	switch a.file {
	case field.CSV:
		table := csvfile.New(columns...)
		for _, v := range a.Events {
			table.Add(v.cells()...)
		}
		return &api.File{Name: "audit-events.csv", CSV: table.Bytes()}
	case field.JSON:
		return &api.File{Name: "audit-events.json"}
	}
	return nil
}

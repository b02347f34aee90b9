// Package team holds an organization's groups of members. Who is in a team stands
// in the member (package member changes it); the team counts its members.
package team

import (
	"context"
	"time"

	"golang.org/x/text/cases"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/route"
	"roster/internal/table"
)

// Service has the use cases of teams.
type Service struct{ *env.Env }

// Endpoints are the routes of teams; those of their members are package member's.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.ListTeams, access.Member(e), s.ListTeams),
		api.Handle(route.CreateTeam, access.Member(e), s.CreateTeam),
		api.Handle(route.UpdateTeam, access.Member(e), s.UpdateTeam),
		api.Handle(route.DeleteTeam, access.Member(e), s.DeleteTeam),
	}
}

// Team is a group of members.
type Team struct {
	ID          id.Team      `dynamodbav:"id"`
	Name        field.Name   `dynamodbav:"name"`
	Description field.Reason `dynamodbav:"description,omitempty"`
	// AllowedModels are those that its members may call; the organization's item has
	// them too, where calls read them.
	AllowedModels model.List `dynamodbav:"allowed_models,omitempty"`
	// Members is how many active and suspended members are in it.
	Members   int       `dynamodbav:"members"`
	CreatedAt time.Time `dynamodbav:"created_at"`
	UpdatedAt time.Time `dynamodbav:"updated_at"`
	Version   int       `dynamodbav:"version"`
}

// MaxTeams is how many teams an organization may have.
const MaxTeams = 1000

var (
	// ErrNotFound: no such team in the caller's organization.
	ErrNotFound = fault.New(fault.NotFound, "team_not_found", "There is no such team.")
	errTaken    = fault.New(fault.Conflict, "team_exists", "There is a team of this name.")
	errInUse    = fault.New(fault.Conflict, "team_in_use", "Members are in this team: take them out first.")
	errTooMany  = fault.New(fault.Conflict, "too_many_teams", "An organization has at most 1000 teams.")
)

// Gain is the Write by which a team counts one more member. It fails with
// table.ErrChanged if there is no such team any more: who decides anew finds it
// gone.
func Gain(org id.Organization, team id.Team) table.Write { return count(org, team, 1) }

// Lose is the Write by which a team counts one less.
func Lose(org id.Organization, team id.Team) table.Write { return count(org, team, -1) }

func count(org id.Organization, team id.Team, more int) table.Write {
	return table.Write{
		Key: table.Team(org, team), Update: "ADD #members :more",
		If: table.Present, Values: table.V{"more": more}, Else: table.ErrChanged,
	}
}

// Names returns the names of those of the ids of which there is a team.
func Names(ctx context.Context, t *table.Table, org id.Organization, ids []id.Team) (map[id.Team]field.Name, error) {
	found := make([]*Team, len(ids))
	reads := make([]table.Read, len(ids))
	for i, team := range ids {
		reads[i] = Read(org, team, &found[i])
	}
	if err := t.Get(ctx, reads...); err != nil {
		return nil, err
	}
	names := make(map[id.Team]field.Name, len(found))
	for _, team := range found {
		if team != nil {
			names[team.ID] = team.Name
		}
	}
	return names, nil
}

// Read is the reading of a team among other items.
func Read(org id.Organization, team id.Team, into **Team) table.Read {
	return table.Into(table.Team(org, team), into)
}

// all reads every team of an organization, in the order of their making.
func all(ctx context.Context, t *table.Table, org id.Organization) ([]Team, error) {
	items, err := t.QueryAll(ctx, table.Query{PK: table.Team(org, "").PK, Prefix: table.TeamPrefix})
	if err != nil {
		return nil, err
	}
	return table.DecodeAll[Team](items)
}

// Directory finds an organization's teams by what people call them.
type Directory struct {
	ids   map[id.Team]bool
	names map[string]id.Team
}

// ReadDirectory reads every team of an organization.
func ReadDirectory(ctx context.Context, t *table.Table, org id.Organization) (Directory, error) {
	teams, err := all(ctx, t, org)
	d := Directory{make(map[id.Team]bool, len(teams)), make(map[string]id.Team, len(teams))}
	for _, of := range teams {
		d.ids[of.ID], d.names[fold(of.Name)] = true, of.ID
	}
	return d, err
}

// Find returns the team of that id, or of that name without regard to case.
func (d Directory) Find(called string) (id.Team, bool) {
	if of := id.Team(called); d.ids[of] {
		return of, true
	}
	of, ok := d.names[fold(field.Name(called))]
	return of, ok
}

// holder is the item by which a team has its name.
type holder struct {
	Team id.Team `dynamodbav:"team"`
}

// claim is the Write by which a team has a name.
func claim(org id.Organization, t Team) table.Write {
	return table.Write{Key: table.TeamName(org, fold(t.Name)), Put: holder{t.ID}, If: table.Absent, Else: errTaken}
}

// release is the Write that frees a team's name.
func release(org id.Organization, t Team) table.Write {
	return table.Write{Key: table.TeamName(org, fold(t.Name)), Delete: true}
}

// fold makes names equal that differ in case alone.
func fold(name field.Name) string { return cases.Fold().String(string(name)) }

// View is a team as its organization sees it.
type View struct {
	ID          id.Team      `json:"id"`
	Name        field.Name   `json:"name"`
	Description field.Reason `json:"description"`
	// AllowedModels are those that its members may call; absent, the team names none.
	// Who is in several teams may call what one of them names.
	AllowedModels model.List `json:"allowed_models,omitzero"`
	// Members is how many active and suspended members are in it.
	Members   int       `json:"members"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (t Team) view() View {
	return View{t.ID, t.Name, t.Description, t.AllowedModels, t.Members, t.CreatedAt, t.UpdatedAt}
}

// Answer is one team.
type Answer struct {
	Team View `json:"team"`
}

// recorded is what an audit event shows of a team.
func (t Team) recorded() map[string]any {
	return map[string]any{"name": t.Name, "description": t.Description, "allowed_models": t.AllowedModels}
}

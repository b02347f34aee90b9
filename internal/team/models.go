package team

import (
	"context"
	"maps"
	"slices"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/table"
)

// maxListBytes bounds the allowed models of all teams together: calls read them.
const maxListBytes = 4096

var (
	errModels  = fault.InvalidField("/allowed_models", "makes the lists of all teams longer than 4096 bytes together")
	errOwnTeam = fault.New(fault.Forbidden, "not_oneself", "Only an owner changes the models of a team that they are in.")
	errNames   = access.ErrPermission.WithDetail("Only who manages members names the models of a team.").
			With("permission", permission.MembersManage)
)

func modelFaults(l model.List) []fault.Field {
	if reason := l.Fault(); reason != "" {
		return []fault.Field{{Pointer: "/allowed_models", Reason: reason}}
	}
	return nil
}

// mayName refuses a caller to name the models of a team.
func mayName(by access.Actor, of id.Team) error {
	switch {
	case !by.Can(permission.MembersManage):
		return errNames
	case by.In(of) && !by.IsOwner():
		return errOwnTeam
	}
	return nil
}

// saveModels is the Writes that bring the models of a team to where calls read them,
// the organization's item; none, where they stay as they are. They fail with
// table.ErrChanged.
func (s Service) saveModels(ctx context.Context, org id.Organization, before, after Team) ([]table.Write, error) {
	if slices.Equal(before.AllowedModels, after.AllowedModels) {
		return nil, nil
	}
	read, err := organization.Get(ctx, s.Table, org)
	if err != nil {
		return nil, err
	}
	changed := *read
	changed.TeamModels = maps.Clone(read.TeamModels)
	if changed.TeamModels == nil {
		changed.TeamModels = map[id.Team]model.List{}
	}
	changed.TeamModels[after.ID] = after.AllowedModels
	if after.AllowedModels == nil {
		delete(changed.TeamModels, after.ID)
	}
	bytes := 0
	for team, models := range changed.TeamModels {
		bytes += len(team)
		for _, p := range models {
			bytes += len(p)
		}
	}
	if bytes > maxListBytes {
		return nil, errModels
	}
	_, save := organization.Save(*read, changed, s.Now())
	return []table.Write{save}, nil
}

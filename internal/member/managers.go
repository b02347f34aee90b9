package member

import (
	"context"
	"maps"
	"slices"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/table"
)

// Managers are Holders of the permission to manage members.
func Managers(ctx context.Context, t *table.Table, o organization.Organization, most int) ([]Member, error) {
	return Holders(ctx, t, o, permission.MembersManage, most)
}

// Holders are active persons whose role has a permission: at most so many, owners first.
// Who came by the role within the last moments may be missing.
func Holders(ctx context.Context, t *table.Table, o organization.Organization, p permission.Permission, most int) ([]Member, error) {
	var all []Member
	for _, role := range rolesWith(p, o.Roles) {
		if len(all) == most {
			break
		}
		list := listScope{Status: access.Active, Role: role}
		page, err := t.Query(ctx, table.Query{PK: list.partition(o.ID, byAddress), Settled: true, Limit: most - len(all)})
		if err != nil {
			return nil, err
		}
		if len(page.Items) == 0 {
			continue
		}
		listed, err := referenced(ctx, t, o.ID, page.Items)
		if err != nil {
			return nil, err
		}
		for _, m := range listed {
			if m.Kind == Person && m.Status == access.Active && m.Role == role {
				all = append(all, m)
			}
		}
	}
	return all, nil
}

// TeamManagers are the active managers of a team, at most so many. Who became one within
// the last moments may be missing.
func TeamManagers(ctx context.Context, t *table.Table, org id.Organization, of id.Team, most int) ([]Member, error) {
	list := managing.query(org, string(of))
	list.Settled, list.Limit = true, most
	page, err := t.Query(ctx, list)
	if err != nil || len(page.Items) == 0 {
		return nil, err
	}
	listed, err := referenced(ctx, t, org, page.Items)
	return slices.DeleteFunc(listed, func(m Member) bool {
		return m.Status != access.Active || m.Teams[of] != access.TeamManager
	}), err
}

// referenced reads the members to whom entries lead, those that there are.
func referenced(ctx context.Context, t *table.Table, org id.Organization, items []table.Item) ([]Member, error) {
	entries, err := table.DecodeAll[table.Key](items)
	if err != nil {
		return nil, err
	}
	found := make([]*Member, len(entries))
	reads := make([]table.Read, len(entries))
	for i, entry := range entries {
		_, reference := entry.Entry()
		reads[i] = table.Into(Referenced(org, reference), &found[i])
	}
	if err := t.GetSettled(ctx, reads...); err != nil {
		return nil, err
	}
	var all []Member
	for _, m := range found {
		if m != nil {
			all = append(all, *m)
		}
	}
	return all, nil
}

// rolesWith are the names of the roles that have a permission, that of owners first.
func rolesWith(p permission.Permission, own permission.Roles) []string {
	var all []string
	for _, role := range permission.BuiltIn {
		if own.Of(role.Name).Has(p) {
			all = append(all, role.Name)
		}
	}
	for _, role := range slices.Sorted(maps.Keys(own)) {
		if own.Of(role).Has(p) {
			all = append(all, role)
		}
	}
	return all
}

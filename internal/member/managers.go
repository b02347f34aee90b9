package member

import (
	"context"
	"maps"
	"slices"

	"roster/internal/access"
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
		entries, err := table.DecodeAll[table.Key](page.Items)
		if err != nil {
			return nil, err
		}
		found := make([]*Member, len(entries))
		reads := make([]table.Read, len(entries))
		for i, entry := range entries {
			_, reference := entry.Entry()
			reads[i] = table.Into(Referenced(o.ID, reference), &found[i])
		}
		if len(reads) == 0 {
			continue
		}
		if err := t.GetSettled(ctx, reads...); err != nil {
			return nil, err
		}
		for _, m := range found {
			if m != nil && m.Kind == Person && m.Status == access.Active && m.Role == role {
				all = append(all, *m)
			}
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

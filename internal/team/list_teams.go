package team

import (
	"cmp"
	"context"
	"slices"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/permission"
)

// ListAnswer is the teams, by name.
type ListAnswer struct {
	Teams []View `json:"teams"`
}

// ListTeams lists every team to those who manage members, and to others the teams
// that they are in.
func (s Service) ListTeams(ctx context.Context, by access.Actor, _ api.None) (ListAnswer, error) {
	teams, err := all(ctx, s.Table, by.Organization())
	if err != nil {
		return ListAnswer{}, err
	}
	out := ListAnswer{Teams: []View{}}
	for _, t := range teams {
		if by.Can(permission.MembersManage) || by.In(t.ID) {
			out.Teams = append(out.Teams, t.view())
		}
	}
	slices.SortFunc(out.Teams, func(a, b View) int {
		return cmp.Or(cmp.Compare(fold(a.Name), fold(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

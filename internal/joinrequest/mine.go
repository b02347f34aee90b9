package joinrequest

import (
	"context"
	"slices"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/member"
)

// MineAnswer lists the caller's open requests.
type MineAnswer struct {
	JoinRequests []View `json:"join_requests"`
}

// Mine lists the caller's open requests, in whichever organization.
func (s Service) Mine(ctx context.Context, by access.Identity, _ api.None) (MineAnswer, error) {
	mine, err := s.mine(ctx, by)
	if err != nil {
		return MineAnswer{}, err
	}
	out := MineAnswer{JoinRequests: []View{}}
	for _, r := range mine {
		out.JoinRequests = append(out.JoinRequests, pending(r.Member).in(r.Organization))
	}
	return out, nil
}

// mine reads the memberships that the caller asks for.
func (s Service) mine(ctx context.Context, by access.Identity) ([]member.Membership, error) {
	all, err := member.Memberships(ctx, s.Env, by.User())
	return slices.DeleteFunc(all, func(m member.Membership) bool { return m.Member.Status != access.Pending }), err
}

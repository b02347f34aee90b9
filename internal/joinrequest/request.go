package joinrequest

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

// JoinRequest asks to join an organization.
type JoinRequest struct {
	Organization id.Organization `path:"org_id" json:"-"`
	Message      field.Text      `json:"message,omitzero"`
}

// Requested is the request, pending or approved at once.
type Requested struct {
	Answer
	repeat bool
}

// StatusCode is 200 for a request that was there already.
func (r Requested) StatusCode() int {
	if r.repeat {
		return 200
	}
	return 201
}

// requests bounds how many organizations a person asks, and guesses.
var requests = throttle.Limit{Name: "join", Times: 20, Per: time.Hour}

// Request asks to join. An organization that takes no requests looks as if it did
// not exist. Where its rules let the person in, they are a member at once; whoever
// was removed always waits for a decision.
func (s Service) Request(ctx context.Context, by access.Identity, in JoinRequest) (Requested, error) {
	if err := requests.Take(ctx, s.Env, string(by.User())); err != nil {
		return Requested{}, err
	}
	var out Requested
	err := table.Retry(ctx, func() error {
		var (
			org     *organization.Organization
			read    *member.Member
			invited *invitation.Invitation
		)
		if err := s.Table.Get(ctx,
			organization.Read(in.Organization, &org),
			member.Read(in.Organization, by.User(), &read),
			invitation.Read(in.Organization, by.Email(), &invited),
		); err != nil {
			return err
		}
		if org == nil || org.Admit() != nil || !org.AllowJoinRequests {
			return access.ErrOrg
		}
		if err := org.Policy.Join(by.Email()); err != nil {
			return err
		}
		if err := member.Lapse(ctx, s.Env, read); err != nil {
			return err
		}
		m, err := asking(read, by, in, s.Now())
		if err != nil {
			return err
		}
		if org.AutoApproves(m.Email, by.Verified()) && !m.Request.Returning {
			out, err = s.admit(ctx, by, *org, read, m, linked{by.Verified(), invited})
			return err
		}
		out = Requested{Answer: Answer{pending(m).in(*org)}}
		if read != nil && read.Status == access.Pending {
			out.repeat = true
			return nil
		}
		m.Request.Terms = org.Terms()
		now := s.Now()
		before, after := member.Difference(read, m)
		out, err = api.Commit(ctx, s.Table, out, append(member.Save(read, m, now),
			audit.Record(now, org.ID, audit.Event{
				Action: audit.JoinRequestCreated, Actor: audit.User(by.User(), by.Client()), Target: string(m.Request.ID),
				Before: before, After: after,
			}))...)
		return err
	})
	return out, err
}

// asking returns the person as a pending member: the one who was read, if they
// ask already, or one who begins to.
func asking(read *member.Member, by access.Identity, in JoinRequest, now time.Time) (member.Member, error) {
	m := member.Member{
		ID: by.User(), Organization: in.Organization, Kind: member.Person,
		Email: by.Email(), Name: by.Name(),
	}
	if read != nil {
		m = *read
	}
	switch m.Status {
	case access.Active:
		return m, member.ErrAlreadyMember
	case access.Suspended:
		return m, member.ErrSuspendedMember
	case access.Pending:
		return m, nil
	}
	return m.Ask(in.Message, now), nil
}

// admit lets the person in by the organization's rules.
func (s Service) admit(ctx context.Context, by access.Identity, org organization.Organization, read *member.Member, asking member.Member, l linked) (Requested, error) {
	asking.TwoFactor = by.TwoFactor()
	out, writes, err := s.admission(ctx, org, read, asking, org.DefaultRole, l,
		audit.Event{Action: audit.JoinRequestAutoApproved, Actor: audit.User(by.User(), by.Client())})
	if err != nil {
		return Requested{}, err
	}
	if asking.TwoFactor {
		writes = append(writes, user.StaysSecured(by.User()))
	}
	return api.Commit(ctx, s.Table, Requested{Answer: out}, writes...)
}

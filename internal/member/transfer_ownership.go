package member

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/page"
	"roster/internal/permission"
	"roster/internal/stepup"
	"roster/internal/table"
	"roster/internal/user"
)

// TransferRequest hands the ownership over.
type TransferRequest struct {
	// User is an active member, a person whose address is verified.
	User id.User `json:"user_id" required:"true"`
	stepup.Proof
}

// TransferAnswer is who owns the organization now, and who did.
type TransferAnswer struct {
	Owner         Row `json:"owner"`
	PreviousOwner Row `json:"previous_owner"`
}

var (
	errOwnAlready = fault.New(fault.Conflict, "already_owner", "This member is an owner already.")
	errHeir       = fault.New(fault.Conflict, "cannot_own",
		"Only an active member owns an organization, a person whose address is verified.")
	errHeirTwoFactor = fault.New(fault.Conflict, "target_two_factor_required",
		"The organization requires two-factor authentication, and this member has to turn it on first.")
)

// TransferOwnership makes another member an owner, and the caller an admin, at once.
// It takes an owner's own session, their password, and their code where they have
// two-factor authentication. Of two transfers at once, one is made. All owners hear
// of it by mail. Further owners stay what they are; to become one more, or one less,
// is a change of role.
func (s Service) TransferOwnership(ctx context.Context, by access.Actor, in TransferRequest) (out TransferAnswer, err error) {
	proof, err := stepup.Confirm(ctx, s.Env, by, in.Proof)
	if err != nil {
		return out, err
	}
	owners, err := s.otherOwners(ctx, by.Organization(), by.User(), in.User)
	if err != nil {
		return out, err
	}
	err = table.Retry(ctx, func() error {
		var (
			org        *organization.Organization
			from, heir *Member
			account    *user.User
		)
		if err := s.Table.Get(ctx, organization.Read(by.Organization(), &org), Read(by.Organization(), by.User(), &from),
			Read(by.Organization(), in.User, &heir), user.Read(in.User, &account)); err != nil {
			return err
		}
		if org == nil || from == nil {
			return access.ErrNotMember
		}
		if heir == nil {
			return ErrNotFound
		}
		now := s.Now()
		was, is, err := handOver(*from, *heir, account != nil && account.Verified, *org, now)
		if err != nil {
			return err
		}
		// The count of owners stays as it is: both members are written as they were read.
		writes := append(proof, exchange(*from, was, *heir, is, now)...)
		writes = append(writes, audit.Record(now, org.ID, audit.Event{
			Action: audit.OwnershipTransferred, Actor: audit.Member(by), Target: string(org.ID), Also: []string{string(was.ID), string(is.ID)},
			Before: map[string]any{"owner": was.ID, "role": heir.Role}, After: map[string]any{"owner": is.ID, "role": was.Role},
		}))
		for _, m := range append([]Member{was, is}, owners...) {
			notice, err := outbox.Enqueue(ctx, s.Env, outbox.Mail{To: m.Email, Kind: mail.OwnershipTransferred, Data: mail.Data{
				Organization: string(org.Name), Recipient: string(m.Name), Actor: was.DisplayName(), Member: is.DisplayName(),
			}})
			if err != nil {
				return err
			}
			writes = append(writes, notice)
		}
		out, err = api.Commit(ctx, s.Table, TransferAnswer{is.next(*heir, now).view(), was.next(*from, now).view()}, writes...)
		return err
	})
	return out, err
}

// handOver is an owner and their heir as they are to be.
func handOver(from, heir Member, verified bool, org organization.Organization, now time.Time) (was, is Member, err error) {
	switch {
	case !from.activeOwner():
		err = ErrOwner
	case heir.activeOwner():
		err = errOwnAlready
	case heir.Status != access.Active, heir.Kind != Person, !verified:
		err = errHeir
	case org.Policy.Act(heir.TwoFactor, now) != nil:
		err = errHeirTwoFactor
	}
	if err != nil {
		return from, heir, err
	}
	return from.WithRole(org.Roles, permission.Admin, from.ID), heir.WithRole(org.Roles, permission.Owner, from.ID), nil
}

// otherOwners are the owners besides two, as far as they fit into one transaction
// as recipients, and as of a moment ago.
func (s Service) otherOwners(ctx context.Context, org id.Organization, but ...id.User) ([]Member, error) {
	all, _, err := pages{s.Env, org, []source{
		listScope{Role: permission.Owner, Status: access.Active}.source(org, byAddress, false),
	}}.read(ctx, page.Request{})
	if err != nil {
		return nil, err
	}
	var others []Member
	for _, m := range all {
		if m.ID != but[0] && m.ID != but[1] {
			others = append(others, m)
		}
	}
	return others, nil
}

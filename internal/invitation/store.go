package invitation

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/table"
	"roster/internal/user"
)

// item is an Invitation as the table holds it.
type item struct {
	Invitation
	table.Row
}

// row places an open invitation in the lists of members, by its address.
func (i Invitation) row() table.Row {
	if !i.Open() {
		return table.Row{}
	}
	return table.Row{
		ListPK: member.ListPartition(i.Organization), ListSK: string(i.Email),
		StatePK: member.StatePartition(i.Organization, member.Status(Pending)), StateSK: string(i.Email),
	}
}

// Read is the reading of an address's invitation, of whatever status.
func Read(org id.Organization, address email.Address, into **Invitation) table.Read {
	return read(org, id.AddressHash(string(address)), into)
}

// ReadByID is Read of the address that an id leads to, whose invitation may be a later one.
func ReadByID(org id.Organization, invitation id.Invitation, into **Invitation) table.Read {
	return read(org, invitation.AddressHash(), into)
}

func read(org id.Organization, addressHash string, into **Invitation) table.Read {
	return table.Into(table.Invitation(org, addressHash), into)
}

// save is the Write that brings an invitation from what was read (nil: there was
// none) to what it is to be. It fails with table.ErrChanged.
func save(read *Invitation, i Invitation) table.Write {
	w := unchanged(i.Organization, i.ID.AddressHash(), read)
	if read != nil {
		i.Version = read.Version
	}
	i.Version++
	w.Put = item{i, i.row()}
	return w
}

// unchanged is the check that an invitation is as it was read.
func unchanged(org id.Organization, addressHash string, read *Invitation) table.Write {
	w := table.Write{Key: table.Invitation(org, addressHash), If: table.Absent, Else: table.ErrChanged}
	if read != nil {
		w.If, w.Values = "#version = :read", table.V{"read": read.Version}
	}
	return w
}

// SettleByAdmission is the Write that goes with an admission by another way: it
// settles the open invitation of the address that was read, and makes sure of
// none if there was none. It fails with table.ErrChanged.
func SettleByAdmission(read *Invitation, m member.Member, now time.Time) table.Write {
	if !read.Open() {
		return unchanged(m.Organization, id.AddressHash(string(m.Email)), read)
	}
	return save(read, read.settled(Accepted, m.ID, now))
}

// SettleByRejection is the Write that revokes the open invitation of someone
// whose request to join is rejected. It fails with table.ErrChanged.
func SettleByRejection(read Invitation, now time.Time) table.Write {
	return save(&read, read.settled(Revoked, "", now))
}

// Erase is the Write that deletes the invitation of an address, of whatever status.
func Erase(org id.Organization, address email.Address) table.Write {
	return table.Write{Key: table.Invitation(org, id.AddressHash(string(address))), Delete: true}
}

// get reads an invitation by its id.
func (s Service) get(ctx context.Context, org id.Organization, invitation id.Invitation, further ...table.Read) (*Invitation, error) {
	var i *Invitation
	if err := s.Table.Get(ctx, append(further, read(org, invitation.AddressHash(), &i))...); err != nil {
		return nil, err
	}
	if i == nil || i.ID != invitation {
		return nil, errNotFound
	}
	return i, nil
}

// succeed puts whoever took over from an inviter who was removed in their place, if the
// invitation could still be accepted then: nobody revives it by leaving.
func (p *prospect) succeed(ctx context.Context, t *table.Table) error {
	left := p.inviter
	if left == nil || left.Status != access.Removed || left.Successor == "" || !p.invitation.Acceptable(*left, p.organization.Roles) {
		return nil
	}
	answering, err := member.Answering(ctx, t, p.organization.ID, left.Successor)
	if successor, ok := answering[left.Successor]; ok {
		p.inviter = &successor
	}
	return err
}

// prospect reads an invitation with what decides about its acceptance. Without
// an invitation it is zero.
func (s Service) prospect(ctx context.Context, org id.Organization, addressHash string) (prospect, error) {
	var p prospect
	if err := s.Table.Get(ctx, read(org, addressHash, &p.invitation), organization.Read(org, &p.organization)); err != nil {
		return prospect{}, err
	}
	if p.invitation == nil || p.organization == nil {
		return prospect{}, nil
	}
	if role, ok := p.organization.Roles.Role(p.invitation.Role); ok {
		p.invitation.Role = role.Name // its successor's, where it was retired since
	}
	var holder *user.Holder
	if err := s.Table.Get(ctx,
		member.Read(org, p.invitation.Invite.By, &p.inviter),
		user.ReadHolder(p.invitation.Email, &holder),
	); err != nil {
		return p, err
	}
	if err := p.succeed(ctx, s.Table); err != nil || holder == nil {
		return p, err
	}
	err := s.Table.Get(ctx, user.Read(holder.User, &p.account), member.Read(org, holder.User, &p.member))
	return p, err
}

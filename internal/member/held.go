package member

import (
	"context"
	"maps"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/table"
)

// Held is a kind of things that somebody answers for, or has in hand, beside what is
// their own. There is a list of each kind for everyone, and one of each team's
// managers, both made of entries.
type Held string

const (
	// HeldServices are service accounts for which they answer.
	HeldServices Held = "service_account"
	// HeldKeys are members for whom they made an API key.
	HeldKeys Held = "key"
	// HeldInvitations are open invitations that they sent.
	HeldInvitations Held = "invitation"
	// managing is the list of a team's managers.
	managing Held = "manager"
)

// query is the list of what a person, or a team, holds of a kind.
func (h Held) query(org id.Organization, holder string) table.Query {
	from := h.entry(org, holder, "")
	return table.Query{PK: from.PK, Prefix: from.SK}
}

func (h Held) entry(org id.Organization, holder, reference string) table.Key {
	return table.ListEntry(table.ListPartition(org, "held#"+holder), string(h), reference)
}

// heldEntries are the entries that stand for a member, or an open invitation, in the
// lists of those who hold them.
func (m Member) heldEntries() []table.Key {
	var all []table.Key
	add := func(h Held, holder string) { all = append(all, h.entry(m.Organization, holder, m.reference())) }
	switch {
	case m.Kind == Invited:
		add(HeldInvitations, string(m.Inviter))
		return all
	case m.Kind == ServiceAccount && m.present() == nil:
		add(HeldServices, string(m.Responsible))
		all = append(all, table.ListEntry(servicesPartition(m.Organization), string(m.Responsible), m.reference()))
	}
	for maker := range m.KeyMakers() {
		add(HeldKeys, string(maker))
	}
	if m.Status == access.Active {
		for team, as := range m.Teams {
			if as == access.TeamManager {
				add(managing, string(team))
			}
		}
	}
	return all
}

// KeyMakers are those who had the secret of one of the member's keys shown, other than
// the member.
func (m Member) KeyMakers() map[id.User]bool {
	makers := map[id.User]bool{}
	for _, k := range m.Keys {
		maps.Copy(makers, m.makers(k))
	}
	return makers
}

// makers are those who had a secret of one key shown.
func (m Member) makers(k access.KeyRecord) map[id.User]bool {
	makers := map[id.User]bool{k.CreatedBy: true}
	if k.Previous != nil {
		makers[k.Previous.CreatedBy] = true
	}
	delete(makers, m.ID)
	return makers
}

// ListHeld lists the ids of what a person holds of a kind, as far as the list has come:
// what changed within the last moments may be missing, or there in vain.
func (s Service) ListHeld(ctx context.Context, org id.Organization, user id.User, h Held) ([]string, error) {
	return s.listHeld(ctx, h.query(org, string(user)))
}

func (s Service) listHeld(ctx context.Context, q table.Query) ([]string, error) {
	items, err := s.Table.QueryAll(ctx, q)
	if err != nil {
		return nil, err
	}
	entries, err := table.DecodeAll[table.Key](items)
	if err != nil {
		return nil, err
	}
	references := make([]string, len(entries))
	for i, entry := range entries {
		_, references[i] = entry.Entry()
	}
	return references, nil
}

// ManagedAlone are the teams, in order, of which no other active member than this one
// is a manager.
func (s Service) ManagedAlone(ctx context.Context, m Member) ([]id.Team, error) {
	var alone []id.Team
	for _, of := range m.countedTeams() {
		if m.Teams[of] != access.TeamManager {
			continue
		}
		managers, err := s.listHeld(ctx, managing.query(m.Organization, string(of)))
		if err != nil {
			return nil, err
		}
		others, err := s.ReadAll(ctx, m.Organization, managers)
		if err != nil {
			return nil, err
		}
		shared := false
		for _, other := range others {
			shared = shared || other.ID != m.ID && other.Status == access.Active && other.Teams[of] == access.TeamManager
		}
		if !shared {
			alone = append(alone, of)
		}
	}
	return alone, nil
}

// ReadAll reads members by their ids, those that there are.
func (s Service) ReadAll(ctx context.Context, org id.Organization, ids []string) ([]Member, error) {
	found := make([]*Member, len(ids))
	reads := make([]table.Read, len(ids))
	for i, user := range ids {
		reads[i] = Read(org, id.User(user), &found[i])
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
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

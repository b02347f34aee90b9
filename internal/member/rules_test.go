package member_test

import (
	"errors"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/permission"
)

// caller is a member.Caller that no credential is needed for.
type caller struct {
	user id.User
	role string
}

func (c caller) User() id.User               { return c.user }
func (c caller) IsOwner() bool               { return c.role == permission.Owner }
func (c caller) Location() *time.Location    { return time.UTC }
func (c caller) Holder() id.User             { return c.user }
func (c caller) Roles() permission.Roles     { return nil }
func (c caller) Permissions() permission.Set { return c.Roles().Of(c.role) }

var roles = []string{
	permission.Owner, permission.Admin, permission.Developer, permission.Member, permission.Viewer, permission.Gateway,
}

// covered lists, for each role, the roles whose permissions it has.
var covered = map[string]string{
	permission.Owner:     "owner admin developer member viewer gateway",
	permission.Admin:     "admin developer member viewer gateway",
	permission.Developer: "developer member viewer",
	permission.Member:    "member viewer",
	permission.Viewer:    "viewer",
	permission.Gateway:   "gateway",
}

func TestWhoMayActOnWhom(t *testing.T) {
	t.Parallel()
	for _, by := range roles {
		for _, role := range roles {
			c := caller{"usr_caller", by}
			m := member.Member{ID: "usr_other", Kind: member.ServiceAccount, Name: "bot", Role: role, Status: access.Active}
			var want error
			if !contains(covered[by], role) {
				want = member.ErrRank
			}
			_, suspend := m.Suspend(c, "", time.Time{})
			_, remove := m.Remove(c)
			_, describe := m.Apply(c, member.Patch{Metadata: metadata("team", "Backend")}, time.Time{})
			m.Status = access.Suspended
			_, unsuspend := m.Unsuspend(c)
			for verb, err := range map[string]error{"suspend": suspend, "unsuspend": unsuspend, "remove": remove, "describe": describe} {
				if !errors.Is(err, want) {
					t.Errorf("%s may %s %s: %v, want %v", by, verb, role, err, want)
				}
			}
		}
	}
}

func TestWhoMayGiveWhomWhichRole(t *testing.T) {
	t.Parallel()
	for _, kind := range []member.Kind{member.Person, member.ServiceAccount} {
		for _, by := range roles {
			for _, from := range roles {
				for _, to := range roles {
					m := member.Member{ID: "usr_other", Kind: kind, Role: from, Status: access.Active}
					var want error
					switch {
					case from == to:
					case from == permission.Owner && by != permission.Owner:
						want = member.ErrOwner
					case !contains(covered[by], from):
						want = member.ErrRank
					case kind == member.Person && to == permission.Gateway:
						want = member.ErrService
					case kind == member.ServiceAccount && to == permission.Owner:
						want = member.ErrPerson
					case to == permission.Owner && by != permission.Owner:
						want = member.ErrOwner
					case !contains(covered[by], to):
						want = member.ErrGrant
					}
					got, err := m.ChangeRole(caller{"usr_caller", by}, to)
					if !errors.Is(err, want) {
						t.Errorf("%s makes a %s %s of a %s: %v, want %v", by, kind, to, from, err, want)
					}
					if wantRole := map[bool]string{true: to, false: from}[err == nil]; got.Role != wantRole {
						t.Errorf("%s makes a %s %s of a %s: became %s", by, kind, to, from, got.Role)
					}
				}
			}
		}
	}
}

// A key made by someone else keeps working at a change of role, and gains by it
// only if the one who gives the role made it.
func TestWhoseKeysRiseWithTheirMember(t *testing.T) {
	t.Parallel()
	for _, kind := range []member.Kind{member.Person, member.ServiceAccount} {
		for _, from := range roles {
			for _, to := range roles {
				before := permission.Roles(nil).Of(from)
				capped := func(maker id.User) access.KeyRecord {
					k := access.KeyRecord{CreatedBy: maker, Cap: &access.Cap{Permissions: before, Owner: from == permission.Owner}}
					k.Previous = &access.Previous{Secret: access.Secret{CreatedBy: maker, Cap: k.Cap}}
					return k
				}
				m := member.Member{ID: "usr_member", Kind: kind, Role: from, Status: access.Active, Keys: map[id.Key]access.KeyRecord{
					"of-member": {CreatedBy: "usr_member"}, "of-caller": capped("usr_caller"), "of-other": capped("usr_other"),
				}}
				got, err := m.ChangeRole(caller{"usr_caller", permission.Owner}, to)
				if err != nil || from == to {
					continue
				}
				after := permission.Roles(nil).Of(to)
				for key, want := range map[id.Key]permission.Set{"of-member": after, "of-caller": after, "of-other": after & before} {
					k := got.Keys[key]
					secrets := []access.Secret{k.Current()}
					if k.Previous != nil {
						secrets = append(secrets, k.Previous.Secret)
					}
					for _, s := range secrets {
						if has := s.Cap.Bound(after); has != want {
							t.Errorf("a %s becomes %s of %s: the key %s may %v, want %v", kind, to, from, key, has.List(), want.List())
						}
						owner := s.Cap == nil || s.Cap.Owner
						if want := key != "of-other" || from == permission.Owner; to == permission.Owner && owner != want {
							t.Errorf("a %s becomes %s of %s: the key %s is an owner's: %t", kind, to, from, key, owner)
						}
					}
				}
				if read := m.Keys["of-caller"]; read.Cap.Permissions != before || read.Previous.Cap.Permissions != before {
					t.Fatalf("what was read became %+v", read)
				}
			}
		}
	}
}

// What someone else's key is worth: what both can who have to do with it.
func TestCapFor(t *testing.T) {
	t.Parallel()
	for _, by := range roles {
		for _, role := range roles {
			m := member.Member{ID: "usr_member", Role: role}
			if own := m.CapFor(caller{"usr_member", by}); own != nil {
				t.Errorf("one's own key of a %s is bounded by %v", role, own)
			}
			got := m.CapFor(caller{"usr_caller", by})
			if want := permission.Roles(nil).Of(by) & permission.Roles(nil).Of(role); got.Permissions != want ||
				got.Owner != (by == permission.Owner && role == permission.Owner) {
				t.Errorf("made by a %s for a %s: %+v", by, role, got)
			}
		}
	}
}

func TestNobodyActsOnThemselvesButToLeave(t *testing.T) {
	t.Parallel()
	for _, role := range roles {
		m := member.Member{ID: "usr_self", Kind: member.Person, Role: role, Status: access.Active}
		self := caller{"usr_self", role}
		if _, err := m.Suspend(self, "", time.Time{}); !errors.Is(err, member.ErrSelf) {
			t.Errorf("%s suspends themselves: %v", role, err)
		}
		_, err := m.ChangeRole(self, permission.Developer)
		if refused := errors.Is(err, member.ErrSelf); refused != (role != permission.Owner && role != permission.Developer) {
			t.Errorf("%s changes their own role: %v", role, err)
		}
		if left, err := m.Remove(self); err != nil || left.Status != access.Removed {
			t.Errorf("%s leaves: %v, %s", role, err, left.Status)
		}
		m.Kind = member.ServiceAccount
		if _, err := m.Remove(self); !errors.Is(err, member.ErrPeople) {
			t.Errorf("a service account that is %s leaves: %v", role, err)
		}
	}
}

func TestWhichStatusAllowsWhat(t *testing.T) {
	t.Parallel()
	owner := caller{"usr_owner", permission.Owner}
	verbs := map[string]func(member.Member) (member.Member, error){
		"role":      func(m member.Member) (member.Member, error) { return m.ChangeRole(owner, permission.Viewer) },
		"suspend":   func(m member.Member) (member.Member, error) { return m.Suspend(owner, "", time.Time{}) },
		"unsuspend": func(m member.Member) (member.Member, error) { return m.Unsuspend(owner) },
		"remove":    func(m member.Member) (member.Member, error) { return m.Remove(owner) },
		"admit":     func(m member.Member) (member.Member, error) { return m.Admit(permission.Viewer, time.Time{}) },
		"describe": func(m member.Member) (member.Member, error) {
			return m.Apply(owner, member.Patch{Metadata: metadata("team", "Backend")}, time.Time{})
		},
	}
	no := member.Status("refused")
	for status, after := range map[member.Status]map[string]member.Status{
		access.Pending: {"role": no, "suspend": no, "unsuspend": no, "remove": no, "admit": access.Active, "describe": no},
		access.Active: {"role": access.Active, "suspend": access.Suspended, "unsuspend": access.Active,
			"remove": access.Removed, "admit": no, "describe": access.Active},
		access.Suspended: {"role": access.Suspended, "suspend": access.Suspended, "unsuspend": access.Active,
			"remove": access.Removed, "admit": no, "describe": access.Suspended},
		access.Removed: {"role": no, "suspend": no, "unsuspend": no, "remove": access.Removed, "admit": access.Active, "describe": no},
	} {
		for verb, want := range after {
			m := member.Member{ID: "usr_other", Kind: member.Person, Role: permission.Member, Status: status, Epoch: 7}
			got, err := verbs[verb](m)
			if err != nil {
				got.Status = no
			}
			if got.Status != want {
				t.Errorf("%s of a %s member: %s (%v), want %s", verb, status, got.Status, err, want)
			}
			if ends := want != no && want != status; ends && want != access.Active && got.Epoch == m.Epoch {
				t.Errorf("%s of a %s member leaves their tokens alive", verb, status)
			}
		}
	}
}

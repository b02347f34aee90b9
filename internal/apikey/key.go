package apikey

import (
	"time"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/model"
	"roster/internal/permission"
)

// MaxKeys is how many live keys a member has at most: all of them are read with
// every call that one of them makes.
const MaxKeys = 10

var (
	ErrNotFound = fault.New(fault.NotFound, "key_not_found", "There is no such key.")
	ErrTooMany  = fault.New(fault.Conflict, "too_many_keys", "A member has at most 10 live keys; revoke one first.")
	ErrExpired  = fault.New(fault.Conflict, "key_expired", "The key has expired; make a new one.")
	// ErrRestricted keeps a key for certain models from making itself one for others.
	ErrRestricted = fault.New(fault.Forbidden, "restricted_key", "A key for certain models does not make or change keys.")
)

// View is a key without its secret.
type View struct {
	ID     id.Key      `json:"id"`
	Name   field.Label `json:"name"`
	UserID id.User     `json:"user_id"`
	// Test: the key is for a sandbox. Its text begins with rk_test_.
	Test bool `json:"test"`
	// Hint is the end of the secret.
	Hint string `json:"hint"`
	// CreatedBy is who made the key and saw its secret. Of a key that was made
	// with another key, that is who made the other.
	CreatedBy id.User    `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	// LastUsedAt says the last day of usage that was reported through or for the key: the
	// instant when it began in the organization's time zone. It follows within moments.
	// Null: there was none; the key may have asked or managed something all the same.
	LastUsedAt *time.Time `json:"last_used_at"`
	// RotatedAt is when the key last got a new secret.
	RotatedAt *time.Time `json:"rotated_at,omitzero"`
	// PreviousValidUntil is how long the secret before stays valid, where it does.
	PreviousValidUntil *time.Time `json:"previous_valid_until,omitzero"`
	// OrphanedBy is who is no active member any more, of those on whom the key depends;
	// told of orphaned keys.
	OrphanedBy []id.User `json:"orphaned_by,omitzero"`
	// AllowedModels are those that the key may call; absent, all that its member may.
	AllowedModels model.List `json:"allowed_models,omitzero"`
	// Permissions are what a key that someone else made may do at most, whatever its
	// member may: what both could when it was made. Absent, it is not bounded.
	Permissions []permission.Permission `json:"permissions,omitzero"`
}

func view(owner id.User, key id.Key, k access.KeyRecord) View {
	v := View{
		ID: key, Name: field.Label(k.Name), UserID: owner, Test: key.Test(), Hint: k.Hint, CreatedBy: k.CreatedBy, CreatedAt: k.CreatedAt,
		ExpiresAt: instant(k.ExpiresAt), LastUsedAt: instant(k.UsedAt), RotatedAt: instant(k.RotatedAt), AllowedModels: k.AllowedModels,
	}
	if k.Previous != nil {
		v.PreviousValidUntil = &k.Previous.Until
	}
	if k.Cap != nil {
		v.Permissions = k.Cap.Permissions.List()
	}
	return v
}

// instant is a time, nil for the zero one.
func instant(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return new(at.UTC())
}

// hint is the end of a key's text.
func hint(text string) string { return text[len(text)-4:] }

// owner is whose keys a caller means: the member named, or the caller. Another's
// take the permission keys:manage.
func owner(by access.Actor, named id.User) (id.User, error) {
	switch {
	case named == "" || named == by.User():
		return by.User(), nil
	case !by.Can(permission.KeysManage):
		return "", access.ErrPermission.With("permission", permission.KeysManage)
	}
	return named, nil
}

// changeable refuses a caller to change the keys of whoever has permissions that
// the caller lacks: a key is a credential with all of them.
func changeable(by access.Actor, m member.Member) error {
	if m.ID == by.User() {
		return nil
	}
	return member.MayChange(by, m)
}

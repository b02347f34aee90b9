package role

import (
	"errors"
	"regexp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/permission"
)

// Name of a role: it stands in paths and in every member.
type Name string

// NameForm is what names of roles look like.
const NameForm = `^[a-z][a-z0-9_-]{0,39}$`

var nameForm = regexp.MustCompile(NameForm)

func (n *Name) UnmarshalText(b []byte) error {
	if !nameForm.Match(b) {
		return errors.New("is not a lower-case letter, followed by at most 39 lower-case letters, digits, _ and -")
	}
	*n = Name(b)
	return nil
}

// Permissions are those of a role, each named once or more.
type Permissions permission.Set

func (s *Permissions) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var names []permission.Permission
	if err := json.UnmarshalDecode(d, &names); err != nil {
		return err
	}
	var set permission.Set
	for _, name := range names {
		one, ok := permission.Named(name)
		if !ok {
			return errors.New("names a permission that does not exist: see GET /api/organizations/{org_id}/permissions")
		}
		set |= one
	}
	*s = Permissions(set)
	return nil
}

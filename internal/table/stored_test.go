package table_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/rostertest"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/user"
)

// generator makes values of a type whose fields it fills at random.
func generator[T any](of *rapid.Generator[string]) *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		var v T
		fill(t, of, reflect.ValueOf(&v).Elem(), "")
		return v
	})
}

// fill sets every field at random; leaving some zero, so that what is omitted
// comes back as it was.
func fill(t *rapid.T, text *rapid.Generator[string], v reflect.Value, name string) {
	if name != "" && rapid.IntRange(0, 3).Draw(t, name+" is zero") == 0 {
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		ns := rapid.Int64Range(0, 1<<61).Draw(t, name)
		v.Set(reflect.ValueOf(time.Unix(0, ns).UTC()))
		return
	case v.Type() == reflect.TypeFor[map[id.Key]access.KeyRecord]():
		v.Set(reflect.ValueOf(rapid.MapOfN(rapid.Map(rapid.Just(0), func(int) id.Key { return id.NewKey(time.Now(), id.NewUser(time.Now())) }),
			generator[access.KeyRecord](text), 1, 3).Draw(t, name)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text.Draw(t, name))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, name))
	case reflect.Uint32:
		v.SetUint(uint64(rapid.Uint32().Draw(t, name)))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, name))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(1, 3).Draw(t, name+" length") {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			if key.Type() == reflect.TypeFor[id.Team]() {
				key.SetString(string(id.NewTeam(time.Now())))
			} else {
				key.SetString("k" + text.Draw(t, name+" key")) // no name is empty
			}
			fill(t, text, value, name)
			v.SetMapIndex(key, value)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, text, v.Elem(), "")
	case reflect.Struct:
		for i := range v.NumField() {
			field, tag := v.Type().Field(i), v.Type().Field(i).Tag.Get("dynamodbav")
			if !field.IsExported() || tag == "-" { // what the key says is not stored
				continue
			}
			fill(t, text, v.Field(i), name+"."+field.Name)
			if at, ok := v.Field(i).Interface().(time.Time); ok && strings.Contains(tag, ",unixtime") {
				v.Field(i).Set(reflect.ValueOf(at.Truncate(time.Second)))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(1, 3).Draw(t, name+" length"), 3))
		for i := range v.Len() {
			if v.Type().Elem().Kind() == reflect.Uint8 {
				v.Index(i).SetUint(uint64(rapid.Byte().Draw(t, name)))
			} else {
				fill(t, text, v.Index(i), "")
			}
		}
	default:
		t.Fatalf("%s: a %s cannot be filled", name, v.Type())
	}
}

// survives stores values of a type and reads them back.
func survives[T any](t *testing.T) {
	t.Run(reflect.TypeFor[T]().String(), func(t *testing.T) {
		t.Parallel()
		r := rostertest.New(t)
		values := generator[T](rapid.OneOf(rapid.String(), rapid.Just("ada@example.com"), rapid.Just("Zoë 👩‍💻 \u2028")))
		rapid.Check(t, func(rt *rapid.T) {
			stored := values.Draw(rt, "value")
			write(t, r, put(1, stored))
			var read *T
			if err := r.Table.Get(t.Context(), table.Into(key(1), &read)); err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(&stored, read, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("(-stored +read)\n%s", diff)
			}
		})
	})
}

func TestWhatIsStoredIsReadBack(t *testing.T) {
	t.Parallel()
	survives[organization.Organization](t)
	survives[member.Member](t)
	survives[user.User](t)
	survives[session.Session](t)
	survives[outbox.Item](t)
	survives[access.KeyRecord](t)
}

// Embedded structs lie flat, and what is zero and tagged omitempty is left out:
// expressions and the sparse indexes rely on both.
func TestItemsAreFlatAndLeaveOutWhatIsZero(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	now := r.Now()
	org := organization.New(now, "Engines")
	user := id.NewUser(now)
	key := id.NewKey(now, user)
	ada := member.Member{
		ID: user, Organization: org.ID, Kind: member.Person, Email: "ada@example.com", Role: "owner",
		Status: access.Active, Epoch: 1, CreatedAt: now,
		Keys: map[id.Key]access.KeyRecord{key: {Digest: []byte{1}, CreatedAt: now}},
	}
	writes := append(member.CreateFounder(ada, now), organization.Create(org),
		audit.Record(now, org.ID, audit.Event{Action: "organization.created", Actor: audit.User(ada.ID, api.Client{IP: "192.0.2.1"}), Target: string(org.ID)}))
	write(t, r, writes...)
	var organizations, members, events int
	for at, item := range r.DumpItems(t) {
		switch {
		case at == table.Organization(org.ID):
			organizations++
			if item["name"] != "Engines" || item["list_sk"] != string(org.ID) || item["created_at"] != "2026-11-22T10:00:00Z" {
				t.Errorf("%v", item)
			}
			for _, omitted := range []string{"Organization", "Row", "state_pk", "state_sk", "welcome_message", "auto_approve_domains"} {
				if _, there := item[omitted]; there {
					t.Errorf("the organization has %s: %v", omitted, item)
				}
			}
		case at == table.Member(org.ID, ada.ID):
			members++
			if item["email"] != "ada@example.com" || item["list_sk"] != "ada@example.com" || item["status"] != "active" {
				t.Errorf("%v", item)
			}
			for _, omitted := range []string{"Member", "Row", "state_pk", "state_sk", "suspension", "request", "alias"} {
				if _, there := item[omitted]; there {
					t.Errorf("the member has %s: %v", omitted, item)
				}
			}
			if record := item["keys"].(map[string]any)[string(key)].(map[string]any); record["expires_at"] != nil {
				t.Errorf("a key that never expires has a time: %v", record)
			}
		case strings.HasPrefix(at.PK, "AU#"):
			events++
			if item["action"] != "organization.created" || item["at"] != "2026-11-22T10:00:00Z" || item["Event"] != nil || item["before"] != nil {
				t.Errorf("%v", item)
			}
		}
	}
	if organizations != 1 || members != 1 || events != 1 {
		t.Errorf("%d organizations, %d members, %d audit events", organizations, members, events)
	}
}

func TestATimeThatCannotBeReadAgainIsNotWritten(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	for _, year := range []int{-1, 10_000} {
		at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		for name, write := range map[string]table.Write{
			"put":    put(1, access.KeyRecord{ExpiresAt: at}),
			"update": {Key: key(1), Update: "SET #expires_at = :at", Values: table.V{"at": at}},
		} {
			if err := r.Table.Transact(t.Context(), write); err == nil {
				t.Errorf("%s: a time of the year %d is written", name, year)
			}
		}
	}
	if items := r.DumpItems(t); len(items) != 0 {
		t.Errorf("written: %v", items)
	}
}

func TestNamedTypesAreStrings(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	write(t, r, put(1, struct {
		E email.Address  `dynamodbav:"e"`
		N field.Name     `dynamodbav:"n"`
		Z email.Address  `dynamodbav:"z,omitempty"`
		T time.Time      `dynamodbav:"t,omitempty"`
		U time.Time      `dynamodbav:"u"`
		P *time.Time     `dynamodbav:"p,omitempty"`
		S []field.Name   `dynamodbav:"s,omitempty"`
		M map[string]any `dynamodbav:"m,omitempty"`
	}{E: "a@b.de", N: "", S: []field.Name{"a"}}))
	for _, item := range r.DumpItems(t) {
		want := map[string]any{"pk": "T#001", "sk": "T", "e": "a@b.de", "n": "", "u": "0001-01-01T00:00:00Z", "s": []any{"a"}}
		if diff := cmp.Diff(want, item); diff != "" {
			t.Errorf("(-want +stored)\n%s", diff)
		}
	}
}

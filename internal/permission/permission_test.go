package permission_test

import (
	"flag"
	"fmt"
	"math/bits"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roster/internal/permission"
)

var update = flag.Bool("update", false, "write the golden files anew")

// matrix shows which role has which permission.
func matrix() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "permission")
	for _, r := range permission.BuiltIn {
		fmt.Fprintf(w, "\t%s", r.Name)
	}
	fmt.Fprintln(w)
	for _, p := range permission.All {
		fmt.Fprint(w, p)
		for _, r := range permission.BuiltIn {
			mark := "-"
			if r.Permissions.Has(p) {
				mark = "yes"
			}
			fmt.Fprintf(w, "\t%s", mark)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}

func TestMatrixIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	const golden = "testdata/matrix.golden"
	got := matrix()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("who may do what changed (-golden +now); if that is meant, run with -update\n%s", diff)
	}
}

func TestRolesOfTheGuide(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		permission           permission.Permission
		member, admin, owner bool
	}{
		{permission.ModelsUse, true, true, true},
		{permission.UsageReadOwn, true, true, true},
		{permission.UsageRead, false, true, true},
		{permission.MembersManage, false, true, true},
		{permission.ConnectionsManage, false, true, true},
		{permission.BillingRead, false, true, true},
		{permission.BillingManage, false, false, true},
		{permission.OrganizationDelete, false, false, true},
	} {
		for role, want := range map[string]bool{
			permission.Member: row.member, permission.Admin: row.admin, permission.Owner: row.owner,
		} {
			r, ok := permission.BuiltInRole(role)
			if !ok {
				t.Fatalf("no role %s", role)
			}
			if got := r.Permissions.Has(row.permission); got != want {
				t.Errorf("%s has %s: %t, want %t", role, row.permission, got, want)
			}
		}
	}
}

// A permission's place in All is its bit in stored sets.
func TestPlacesArePartOfStorage(t *testing.T) {
	t.Parallel()
	stored := []permission.Permission{
		"models:use", "usage:read_own", "usage:read", "usage:write", "members:manage",
		"connections:own", "connections:manage", "keys:own", "keys:manage", "roles:manage",
		"settings:manage", "security:manage", "announcements:send", "reports:export",
		"audit:read", "billing:read", "billing:manage", "organization:delete",
	}
	if len(permission.All) < len(stored) {
		t.Fatalf("All lost permissions: %q", permission.All)
	}
	for i, p := range stored {
		if permission.All[i] != p {
			t.Errorf("All[%d] is %s, was %s", i, permission.All[i], p)
		}
		if got, want := permission.Of(p), permission.Set(1)<<i; got != want {
			t.Errorf("%s is stored as %b, was %b", p, got, want)
		}
	}
	if len(permission.All) > 64 {
		t.Errorf("%d permissions do not fit into 64 bits", len(permission.All))
	}
	sorted := slices.Sorted(slices.Values(permission.All))
	if twice := len(sorted) - len(slices.Compact(sorted)); twice != 0 {
		t.Errorf("%d permissions are listed twice", twice)
	}
}

func TestEveryRoleIsCoveredByTheOwnerAndNoOtherCoversIt(t *testing.T) {
	t.Parallel()
	owner, _ := permission.BuiltInRole(permission.Owner)
	for _, r := range permission.BuiltIn {
		if !owner.Permissions.Covers(r.Permissions) {
			t.Errorf("the owner may not grant %s", r.Name)
		}
		if r.Name != permission.Owner && r.Permissions.Covers(owner.Permissions) {
			t.Errorf("%s may act on an owner", r.Name)
		}
	}
	if _, ok := permission.BuiltInRole("Owner"); ok {
		t.Error("names of roles are case-sensitive")
	}
	if r, ok := permission.BuiltInRole(""); ok || r.Permissions != 0 {
		t.Errorf("the empty role has %v", r.Permissions.List())
	}
}

func TestOfRefusesTheUnknown(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a permission that is not in All has a bit")
		}
	}()
	permission.Of("models:used")
}

func TestSets(t *testing.T) {
	t.Parallel()
	some := rapid.SliceOfDistinct(rapid.SampledFrom(permission.All), rapid.ID[permission.Permission])
	rapid.Check(t, func(t *rapid.T) {
		a, b := some.Draw(t, "a"), some.Draw(t, "b")
		x, y := permission.Of(a...), permission.Of(b...)
		subset := true
		for _, p := range b {
			subset = subset && slices.Contains(a, p)
		}
		if x.Covers(y) != subset {
			t.Fatalf("%q covers %q: %t", a, b, !subset)
		}
		if !x.Covers(0) || !x.Covers(x) || !(x | y).Covers(y) {
			t.Fatalf("covering is no order: %q, %q", a, b)
		}
		for _, p := range permission.All {
			if x.Has(p) != slices.Contains(a, p) {
				t.Fatalf("%q has %s: %t", a, p, x.Has(p))
			}
			if x.Without(b...).Has(p) != (x.Has(p) && !slices.Contains(b, p)) {
				t.Fatalf("%q without %q: %s", a, b, p)
			}
		}
		if list := x.List(); permission.Of(list...) != x || len(list) != bits.OnesCount64(uint64(x)) {
			t.Fatalf("%q lists as %q", a, list)
		}
	})
}

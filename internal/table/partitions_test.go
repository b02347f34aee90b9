package table_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"roster/internal/id"
	"roster/internal/table"
)

// elsewhere are the collections of organizations that their erasure finds in
// another way than by PartitionsOf and PartitionsOfMember.
var elsewhere = map[string]string{
	"IV": "the lists lead to the open ones, and settled ones end by themselves",
	"ML": "an entry goes with the item that it leads to, by the stream",
}

// TestEveryCollectionOfAnOrganizationIsErased: whoever adds a collection to keys.go
// whose partition names an organization says how it is erased.
func TestEveryCollectionOfAnOrganizationIsErased(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("keys.go")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	org, user := id.NewOrganization(now), id.NewUser(now)
	erased := append(slices.Collect(table.PartitionsOf(org, now, now)), table.PartitionsOfMember(org, user)...)
	collections := regexp.MustCompile(`(?m)^//\t([A-Z]+)#<org>`).FindAllStringSubmatch(string(source), -1)
	if len(collections) < 5 {
		t.Fatalf("keys.go documents only %d collections of organizations", len(collections))
	}
	for _, c := range collections {
		named := c[1] + "#" + string(org)
		if !slices.ContainsFunc(erased, func(partition string) bool {
			return partition == named || strings.HasPrefix(partition, named+"#")
		}) && elsewhere[c[1]] == "" {
			t.Errorf("%s#<org> is not erased with its organization: add it to partitions.go", c[1])
		}
	}
}

// TestAuditPartitionsAreOfEveryMonth in which the organization existed, the first and
// the last included.
func TestAuditPartitionsAreOfEveryMonth(t *testing.T) {
	t.Parallel()
	org := id.NewOrganization(time.Now())
	from := time.Date(2026, 10, 31, 23, 30, 0, 0, time.FixedZone("", -3600)) // November in UTC
	var months []string
	for partition := range table.PartitionsOf(org, from, time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)) {
		if month, ok := strings.CutPrefix(partition, "AU#"+string(org)+"#"); ok {
			months = append(months, month)
		}
	}
	if want := []string{"2026-11", "2026-12", "2027-01", "2027-02"}; !slices.Equal(months, want) {
		t.Errorf("months %v, want %v", months, want)
	}
}

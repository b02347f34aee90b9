package usage_test

import (
	"fmt"
	"testing"

	"roster/internal/permission"
)

func BenchmarkAuthorize(b *testing.B) {
	c := newCompany(b)
	ada := c.add(b, permission.Member)
	c.ten(b, ada.ID)
	c.workMonth(b, ada.ID)
	for b.Loop() {
		c.Must(b, 200, "POST /v1/authorize", ada.Secret, nil)
	}
}

func BenchmarkRecordOne(b *testing.B) {
	c := newCompany(b)
	ada := c.add(b, permission.Member)
	for i := 0; b.Loop(); i++ {
		c.Must(b, 200, "POST /v1/usage", ada.Secret, object{"events": []object{event(fmt.Sprint(i), "0.000123")}})
	}
}

func BenchmarkRecord45OfTenMembers(b *testing.B) {
	c := newCompany(b)
	team := c.team(b, 10)
	for i := 0; b.Loop(); i++ {
		c.Must(b, 200, "POST /v1/usage", c.gateway.Secret, object{"events": batchOf(45, fmt.Sprint(i), team)})
	}
}

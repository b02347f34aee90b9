package user

import "testing"

// asDeployed is evaluated before any test lowers it.
var asDeployed = hashing

func TestHashesCostWhatIsRecommended(t *testing.T) {
	t.Parallel()
	if asDeployed != (Cost{Memory: 19456, Passes: 2}) {
		t.Errorf("a hash costs %+v", asDeployed)
	}
}

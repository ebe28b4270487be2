package live

import (
	"testing"

	"tripline/auditrules/kernel"
)

// hostFeatures is what this host's kernel can do.
func hostFeatures(t testing.TB) kernel.Features {
	t.Helper()
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }() // only asked
	return client.Features()
}

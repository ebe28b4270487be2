package output

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// smallFileSystem mounts a file system of 256 KiB.
func smallFileSystem(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// TestFullAndReadOnlyFileSystem fills a file system, and makes it read-only,
// while documents are written: whole lines only, and nothing lost once it is
// mended.
func TestFullAndReadOnlyFileSystem(t *testing.T) {
	for _, test := range []struct {
		name, want   string
		damage, mend func(folder string) error
	}{
		{
			"full", "no space left",
			func(folder string) error {
				file, err := os.Create(filepath.Join(folder, "filling"))
				if err != nil {
					return err
				}
				for err == nil {
					_, err = file.Write(make([]byte, 4096))
				}
				return file.Close()
			},
			func(folder string) error { return os.Remove(filepath.Join(folder, "filling")) },
		},
		{
			"read-only", "read-only file system",
			func(folder string) error {
				return syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
			},
			func(folder string) error { return syscall.Mount("", folder, "", syscall.MS_REMOUNT, "") },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := smallFileSystem(t)
			path := filepath.Join(folder, "alerts.ndjson")
			said := &logged{}
			var file *File
			open := func() {
				var err error
				if file, err = OpenFile(FileOptions{Path: path, Sync: true, Log: said.logger()}); err != nil {
					t.Fatal(err)
				}
			}
			if test.name == "full" { // a file that is open for writing forbids read-only
				open()
				write(t, file, 0, 1)
			}
			if err := test.damage(folder); err != nil {
				t.Fatal(err)
			}
			if test.name != "full" {
				open()
			}
			queue := NewQueue(file, 2000, func(err error) { t.Error(err) })
			for range 100 {
				queue.Add(Document{JSON: []byte(`{"@timestamp":"2026-01-01T00:00:00Z","n":7,"filling":"` + strings.Repeat("x", 1000) + `"}`)})
			}
			await(t, "trouble", func() bool { return queue.Stats().Writer.Trouble != "" && queue.Stats().Retried > 0 })
			if trouble := queue.Stats().Writer.Trouble; !strings.Contains(trouble, test.want) {
				t.Errorf("the trouble is %q", trouble)
			}
			if stats := queue.Stats(); stats.Lag == 0 || stats.Waiting != 100-stats.Written {
				t.Errorf("%+v", stats)
			}
			if err := test.mend(folder); err != nil {
				t.Fatal(err)
			}
			if err := queue.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if stats := queue.Stats(); stats.Written != 100 || stats.Dropped+stats.Failed != 0 {
				t.Errorf("%+v", stats)
			}
			got := readAll(t, path)
			if len(got) < 100 || !slices.Equal(slices.Compact(got[len(got)-100:]), []int{7}) {
				t.Errorf("the file holds %v", got)
			}
			if text := said.String(); !strings.Contains(text, "works again") {
				t.Errorf("it said %s", text)
			}
		})
	}
}

// TestMissingFolderOnReadOnlyFileSystem starts where not even the folder can be made.
func TestMissingFolderOnReadOnlyFileSystem(t *testing.T) {
	folder := smallFileSystem(t)
	if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	file, err := OpenFile(FileOptions{Path: filepath.Join(folder, "below", "alerts.ndjson"), Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatalf("the sensor would not start: %v", err)
	}
	if file.Counters().Trouble == "" {
		t.Error("no trouble is counted")
	}
	if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	write(t, file, 0, 1)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

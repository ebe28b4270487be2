package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// FileError says that a state file cannot be trusted or read.
type FileError struct {
	// Path is the file's.
	Path string
	// Err says what is wrong with it.
	Err error
}

// Error names the file and what is wrong with it.
func (e *FileError) Error() string {
	return fmt.Sprintf("the state file %s cannot be used: %v", e.Path, e.Err)
}

// Unwrap gives what is wrong.
func (e *FileError) Unwrap() error { return e.Err }

// Path is where the state file lies beside a sensor's lock file.
func Path(lockFile string) string { return filepath.Join(filepath.Dir(lockFile), "state.json") }

// Load reads a state file. One that does not exist is no error and gives nil. A
// file that is not a regular one of this user, that others may write, or whose
// content no sensor wrote, gives a *FileError.
func Load(path string) (*State, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no state is what is found in most cases
	}
	if errors.Is(err, syscall.ELOOP) {
		return nil, &FileError{path, errors.New("it is a symbolic link")}
	}
	if err != nil {
		return nil, &FileError{path, err}
	}
	defer file.Close() //nolint:errcheck // nothing was written
	if err := checkFile(file, path); err != nil {
		return nil, &FileError{path, err}
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, &FileError{path, err}
	}
	if len(data) > maxSize {
		return nil, &FileError{path, fmt.Errorf("it has more than %d bytes", maxSize)}
	}
	s, err := parse(data)
	if err != nil {
		return nil, &FileError{path, err}
	}
	return s, nil
}

// checkFile refuses a state file that somebody else could have written. Root
// believes the user whose folder it lies in, too: who made that user the owner of
// a folder in /run, for the service, was root.
func checkFile(file *os.File, path string) error {
	owner := os.Geteuid()
	if owner == 0 {
		folder, err := os.Lstat(filepath.Dir(path))
		if err != nil {
			return err
		}
		if system, ok := folder.Sys().(*syscall.Stat_t); ok && folder.IsDir() && folder.Mode().Perm()&0o022 == 0 {
			owner = int(system.Uid)
		}
	}
	err := checkOwner(file, owner)
	if err != nil && owner != os.Geteuid() {
		err = checkOwner(file, os.Geteuid())
	}
	return err
}

// checkOwner refuses a file or folder that does not belong to a user, or that
// others may write.
func checkOwner(file *os.File, owner int) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	system, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular() && !info.IsDir():
		return fmt.Errorf("it is no regular file (%s)", info.Mode())
	case !ok:
		return errors.New("its owner cannot be read")
	case int(system.Uid) != owner:
		return fmt.Errorf("it belongs to user %d and not to %d", system.Uid, owner)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others may write it (%s)", info.Mode())
	}
	return nil
}

// save replaces the state file: whenever the sensor is killed, either the former or the
// new one is there, whole. It does not wait for the disk, where /run is on one: what a power loss
// leaves is of another boot and of no use, see Begin.
func save(path string, s *State) (err error) {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	folder, err := openFolder(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	draft := path + ".new"
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing the state: %w", err)
	}
	if err := writeNew(draft, append(data, '\n')); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	if err := os.Rename(draft, path); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	return nil
}

// openFolder opens the file's folder and refuses one that others may write. Root
// may use that of another user, which is the service's.
func openFolder(path string) (*os.File, error) {
	folder, err := os.OpenFile(filepath.Dir(path), os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of the state file: %w", err)
	}
	owner := os.Geteuid()
	if info, err := folder.Stat(); err == nil && owner == 0 {
		if system, ok := info.Sys().(*syscall.Stat_t); ok {
			owner = int(system.Uid)
		}
	}
	if err := checkOwner(folder, owner); err != nil {
		err = fmt.Errorf("the folder %s cannot hold the state file: %w", folder.Name(), err)
		return nil, errors.Join(err, folder.Close())
	}
	return folder, nil
}

func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// remove removes the state file; one that is not there is no error.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the state file: %w", err)
	}
	return nil
}

// SetAside renames a state file that cannot be used, so that it can be looked at,
// and returns its new name.
func SetAside(path string) (string, error) {
	aside := path + ".bad"
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("setting the state file aside: %w", err)
	}
	return aside, nil
}

from __future__ import annotations

import ntpath
import os
import plistlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clipsearch.files import volumes
from clipsearch.files.mounts import linux as mounts_linux
from clipsearch.files.mounts import macos as mounts_macos
from clipsearch.files.mounts import windows as mounts_windows
from clipsearch.files.mounts.linux import Devices, Mount
from clipsearch.files.mounts.volume import Volume
from clipsearch.files.volumes import place_on

# Recorded on a laptop with btrfs, an encrypted disk, a USB stick, shares and a container's mounts.
MOUNTINFO = r"""
22 1 0:29 /@ / rw,relatime shared:1 - btrfs /dev/mapper/cryptroot rw,ssd,space_cache=v2,subvolid=256,subvol=/@
23 22 0:5 / /dev rw,nosuid shared:2 - devtmpfs devtmpfs rw,size=8012340k
40 22 0:29 /@home /home rw,relatime shared:20 - btrfs /dev/mapper/cryptroot rw,ssd,subvolid=257,subvol=/@home
41 22 0:40 / /tmp rw,nosuid,nodev shared:21 - tmpfs tmpfs rw
95 22 8:17 / /media/ana/MY\040DISK rw,nosuid,nodev shared:60 - exfat /dev/sdb1 rw,uid=1000,gid=1000
96 22 8:33 / /srv rw,relatime shared:61 - ext4 /dev/sdc1 rw
97 22 8:33 /photos/2024 /home/ana/Year rw,relatime shared:61 - ext4 /dev/sdc1 rw
98 22 0:52 / /mnt/nas rw,relatime shared:62 - cifs //nas/Photos/ rw,vers=3.1.1
99 22 0:53 / /mnt/old rw,relatime shared:63 - nfs4 nas:/export/old rw
100 22 0:54 / /home/ana/remote rw,relatime shared:64 - fuse.sshfs ana@host:/pictures rw
101 41 0:60 / /tmp/merged rw,relatime - overlay overlay rw,lowerdir=/a:/b,upperdir=/c,workdir=/d
102 22 0:61 / /pool rw,relatime shared:65 - zfs tank/photos rw
103 22 0:62 / /automatic rw,relatime shared:66 - autofs systemd-1 rw,fd=43
104 103 0:63 / /automatic/back\134slash rw,relatime shared:67 - nfs nas:/deep rw
a line of another kind
"""

DATA_DISK = {"VolumeUUID": "0B4C-DATA", "VolumeName": "Data", "Internal": True, "RemovableMediaOrExternalDevice": False}
STICK = {"VolumeUUID": "9F2A-STICK", "VolumeName": "DISK", "Ejectable": True, "RemovableMediaOrExternalDevice": True}


@pytest.fixture
def laptop(tmp_path: Path) -> Devices:
    """The links of udev and the kernel to the disks in MOUNTINFO."""
    sda, sdb, sdc = "pci0/ata1/block/sda", "pci0/usb1/1-2/block/sdb", "pci0/ata2/block/sdc"
    for device, place in {"8:17": f"{sdb}/sdb1", "8:33": f"{sdc}/sdc1", "8:1": f"{sda}/sda1"}.items():
        (tmp_path / "sys/devices" / place).mkdir(parents=True)
        link(tmp_path / "sys/dev/block" / device, f"../../devices/{place}")
    (tmp_path / f"sys/devices/{sdc}/removable").write_text("0\n")
    link(tmp_path / "dev/disk/by-uuid/6A1F-22C0", "../../sdb1")
    link(tmp_path / "dev/disk/by-uuid/5dbe3a77-0000-4000-8000-000000000001", "../../sdc1")
    link(tmp_path / "dev/disk/by-uuid/5dbe3a77-0000-4000-8000-000000000002", "../../dm-0")
    link(tmp_path / "dev/mapper/cryptroot", "../dm-0")
    link(tmp_path / r"dev/disk/by-label/MY\x20DISK", "../../sdb1")
    return Devices(tmp_path)


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def found(path: str, laptop: Devices) -> tuple[str, str]:
    """Return the id of the volume and the path on it."""
    table = [mounts_linux.volume(mount, laptop) for mount in mounts_linux.parse(MOUNTINFO)]
    location = place_on(Path(path), table)
    assert location is not None
    return location.volume.id, location.inside


# Linux


def test_the_mount_table_is_read_with_its_escapes() -> None:
    mounts = mounts_linux.parse(MOUNTINFO)
    assert len(mounts) == 14
    assert mounts[4] == Mount("8:17", "/", "/media/ana/MY DISK", "exfat", "/dev/sdb1")
    assert mounts[-1].point == "/automatic/back\\slash"


def test_a_mount_point_may_have_any_name() -> None:
    table = os.fsdecode(b"1 2 8:1 / /media/caf\xe9\\040x rw - vfat /dev/sda1 rw\n")
    assert os.fsencode(mounts_linux.parse(table)[0].point) == b"/media/caf\xe9 x"


def test_the_longest_mount_point_holds_a_path(laptop: Devices) -> None:
    assert found("/media/ana/MY DISK/2024/a.jpg", laptop) == ("uuid:6A1F-22C0", "2024/a.jpg")
    assert found("/media/ana/MY DISK", laptop) == ("uuid:6A1F-22C0", "")
    assert found("/media/ana/MY DISKETTE/a.jpg", laptop)[1] == "@/media/ana/MY DISKETTE/a.jpg"
    assert found("/tmp/merged/a", laptop) == ("mount:overlay:/tmp/merged", "a")
    assert found("/tmp/other/a", laptop) == ("mount:tmpfs:/tmp", "other/a")
    assert found("/pool/a", laptop) == ("zfs:tank/photos", "a")


def test_parts_of_one_file_system_are_one_volume(laptop: Devices) -> None:
    assert found("/srv/photos/2024/a.jpg", laptop) == found("/home/ana/Year/a.jpg", laptop)
    root, home = found("/etc", laptop), found("/home/ana/a.jpg", laptop)
    assert root == ("uuid:5dbe3a77-0000-4000-8000-000000000002", "@/etc")
    assert home == ("uuid:5dbe3a77-0000-4000-8000-000000000002", "@home/ana/a.jpg")


def test_shares_are_known_by_their_source(laptop: Devices) -> None:
    assert found("/mnt/nas/a", laptop) == ("net://nas/Photos", "a")
    assert found("/mnt/old/a", laptop) == ("net:nas:/export/old", "a")
    assert found("/home/ana/remote/a", laptop) == ("net:ana@host:/pictures", "a")
    assert found("/automatic/back\\slash/a", laptop) == ("net:nas:/deep", "a")


def test_kinds_and_names_are_what_people_see(laptop: Devices) -> None:
    table = [mounts_linux.volume(mount, laptop) for mount in mounts_linux.parse(MOUNTINFO)]
    told = {str(volume.mount): (volume.name, volume.kind) for volume in table}
    assert told["/media/ana/MY DISK"] == ("MY DISK", "removable")
    assert told["/srv"] == ("srv", "fixed")
    assert told["/"] == ("/", "fixed")
    assert told["/mnt/nas"] == ("//nas/Photos", "network")


def test_a_card_in_a_reader_is_removable(laptop: Devices, tmp_path: Path) -> None:
    (tmp_path / "sys/devices/pci0/ata2/block/sdc/removable").write_text("1\n")
    mount = Mount("8:33", "/", "/srv", "ext4", "/dev/sdc1")
    assert mounts_linux.volume(mount, laptop).kind == "removable"


def test_a_path_on_a_volume_is_found_where_that_is_mounted() -> None:
    whole = Volume("uuid:1", "DISK", Path("/media/DISK1"), "removable")
    part = Volume("uuid:1", "DISK", Path("/year"), "removable", root="photos/2024")
    assert whole.path_of("photos/2024/a") == Path("/media/DISK1/photos/2024/a")
    assert whole.path_of("") == Path("/media/DISK1")
    assert part.path_of("photos/2024/a") == Path("/year/a")
    assert part.path_of("photos/2024") == Path("/year")
    assert part.path_of("photos/20245/a") is None


def test_what_the_system_is_to_mount_is_awaited_until_it_is_mounted() -> None:
    fstab = """
# <file system> <mount point> <type> <options>
UUID=1 / ext4 errors=remount-ro 0 1
UUID=2\tnone swap sw 0 0
nas:/export  /photos/nas nfs noauto,user 0 0
  //nas/more /photos/My\\040Share cifs credentials=/etc/secret
"""
    system = Volume("uuid:1", "/", Path("/"), "fixed")
    assert mounts_linux.awaited(fstab, [system]) == [Path("/photos/nas"), Path("/photos/My Share")]
    share = Volume("net:nas:/export", "nas", Path("/photos/nas"), "network")
    assert mounts_linux.awaited(fstab, [system, share]) == [Path("/photos/My Share")]
    assert all(isinstance(point, Path) for point in volumes.awaited())


def test_links_lead_to_the_volume_that_the_photos_lie_on(tmp_path: Path) -> None:
    disk = Volume("uuid:1", "DISK", tmp_path / "media/DISK", "removable")
    home = Volume("uuid:0", "home", tmp_path / "home", "fixed")
    (disk.mount / "photos").mkdir(parents=True)
    link(home.mount / "pictures", "../media/DISK/photos")
    link(home.mount / "loop", "loop")
    assert place_on(home.mount / "pictures/a.jpg", [disk, home]) == (disk, "photos/a.jpg")
    assert place_on(home.mount / "loop/a.jpg", [disk, home]) == (home, "loop/a.jpg")
    assert place_on(home.mount / "not there/a", [disk, home]) == (home, "not there/a")


def test_nothing_on_a_network_share_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = Volume("net:nas:/x", "nas:/x", tmp_path / "nas", "network")
    looked_at: list[Path] = []
    readlink = Path.readlink
    monkeypatch.setattr(Path, "readlink", lambda path: looked_at.append(path) or readlink(path))
    assert place_on(share.mount / "a/b.jpg", [Volume("uuid:0", "/", Path("/"), "fixed"), share]) == (share, "a/b.jpg")
    assert not any(path.is_relative_to(share.mount / "a") for path in looked_at)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own table")
def test_this_machine_is_read() -> None:
    volume = volumes.volume_of(Path("/"))
    assert volume is not None
    assert volume.mount == Path("/")
    assert volume in volumes.mounted()
    assert volumes.volume_of(Path("/proc/self")).id == "mount:proc:/proc"


def test_a_system_that_tells_nothing_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[Volume]:
        raise OSError("no /proc")

    monkeypatch.setattr(volumes, "_mounted", fail)
    assert volumes.mounted() == []
    if sys.platform != "win32":
        assert volumes.volume_of(Path("/photos")) is None


# macOS


def describe(point: str) -> Any:
    told = {"/System/Volumes/Data": DATA_DISK, "/Volumes/DISK": STICK}
    return mounts_macos.described(plistlib.dumps(told[point]) if point in told else b"Could not find disk")


MAC_TABLE = [
    mounts_macos.Mount("/dev/disk3s1s1", "/", "apfs"),
    mounts_macos.Mount("devfs", "/dev", "devfs"),
    mounts_macos.Mount("/dev/disk3s5", "/System/Volumes/Data", "apfs"),
    mounts_macos.Mount("/dev/disk4s1", "/Volumes/DISK", "exfat"),
    mounts_macos.Mount("//GUEST:@nas.local/Photos", "/Volumes/Photos", "smbfs"),
    mounts_macos.Mount("/dev/disk9s1", "/Volumes/Odd", "msdos"),
]


@pytest.fixture(autouse=True)
def nothing_described_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts_macos, "_described", {})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/Users/ana/Pictures", ("uuid:0B4C-DATA", "fixed", "Users/ana/Pictures")),
        ("/Volumes/DISK/2024", ("uuid:9F2A-STICK", "removable", "2024")),
        ("/Volumes/Photos/a", ("net:nas.local/Photos", "network", "a")),
        ("/Volumes/Odd/a", ("mount:msdos:/Volumes/Odd", "fixed", "a")),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX systems")
def test_macos_volumes(path: str, expected: tuple[str, str, str]) -> None:
    location = place_on(Path(path), mounts_macos.volumes(MAC_TABLE, describe))
    assert location is not None
    assert (location.volume.id, location.volume.kind, location.inside) == expected


def test_diskutil_is_asked_once_a_volume_and_again_where_it_failed() -> None:
    asked: list[str] = []

    def ask(point: str) -> Any:
        asked.append(point)
        return describe(point)

    for _ in range(2):
        mounts_macos._keep(MAC_TABLE)
        mounts_macos.volumes(MAC_TABLE, ask)
    assert asked.count("/Volumes/DISK") == 1
    assert asked.count("/Volumes/Odd") == 2
    mounts_macos._keep([])
    mounts_macos.volumes(MAC_TABLE, ask)
    assert asked.count("/Volumes/DISK") == 2


def test_a_diskutil_that_hangs_or_is_not_there_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired("diskutil", options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert mounts_macos.diskutil("/Volumes/DISK") == {}
    assert mounts_macos.described(plistlib.dumps(["not a dictionary"])) == {}


# Windows


class FakeWindows:
    """C: is the system's disk, E: a stick, D: an empty card reader, Z: a share; C:\\Mounted is a disk, too."""

    def __init__(self, **letters: str) -> None:
        self.letters = letters or {"C": "system", "D": "empty", "E": "stick", "Z": "share"}
        self.touched: list[str] = []

    def roots(self) -> list[str]:
        return [f"{letter}:\\" for letter in self.letters]

    def drive_type(self, root: str) -> int:
        types = {"system": 3, "empty": 2, "stick": 2, "share": 4}
        return 3 if "Mounted" in root else types.get(self.letters.get(root[0].upper(), ""), 1)

    def volume_path(self, path: str) -> str:
        self.touched.append(path)
        inner = "C:\\Mounted\\"
        return inner if (path + "\\").startswith(inner) else ntpath.splitdrive(path)[0] + "\\"

    def information(self, root: str) -> tuple[str, int] | None:
        if "Mounted" in root:
            return "", 0x0000BEEF
        told = {"system": ("System", 0x1234ABCD), "stick": ("DISK", 0x0A1B2C3D)}
        return told.get(self.letters.get(root[0].upper(), ""))

    def remote_name(self, drive: str) -> str | None:
        return "\\\\NAS\\Photos" if self.letters.get(drive[0]) == "share" else None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:\\Users\\ana", ("serial:1234-ABCD", "System", "C:\\", "fixed", "Users/ana")),
        ("E:\\2024\\a.jpg", ("serial:0A1B-2C3D", "DISK", "E:\\", "removable", "2024/a.jpg")),
        ("e:\\", ("serial:0A1B-2C3D", "DISK", "e:\\", "removable", "")),
        ("\\\\?\\E:\\2024", ("serial:0A1B-2C3D", "DISK", "E:\\", "removable", "2024")),
        ("C:\\Mounted\\2024", ("serial:0000-BEEF", "C:\\Mounted", "C:\\Mounted\\", "fixed", "2024")),
        ("Z:\\2024", ("net:\\\\nas\\photos", "\\\\NAS\\Photos", "Z:\\", "network", "2024")),
        ("\\\\nas\\photos\\2024", ("net:\\\\nas\\photos", "\\\\nas\\photos", "\\\\nas\\photos\\", "network", "2024")),
        ("\\\\?\\UNC\\nas\\photos\\a", ("net:\\\\nas\\photos", "\\\\nas\\photos", "\\\\nas\\photos\\", "network", "a")),
    ],
)
def test_windows_volumes(path: str, expected: tuple[str, str, str, str, str]) -> None:
    location = mounts_windows.locate(path, FakeWindows())
    assert location is not None
    volume = location.volume
    assert (volume.id, volume.name, str(volume.mount), volume.kind, location.inside) == expected


@pytest.mark.parametrize("path", ["D:\\photos", "Q:\\photos"])
def test_a_drive_without_a_disk_is_no_volume(path: str) -> None:
    assert mounts_windows.locate(path, FakeWindows()) is None


def test_windows_drives_are_listed_and_shares_not_touched() -> None:
    windows = FakeWindows()
    ids = [volume.id for volume in mounts_windows.mounted(windows)]
    assert ids == ["serial:1234-ABCD", "serial:0A1B-2C3D", "net:\\\\nas\\photos"]
    mounts_windows.locate("Z:\\2024", windows)
    mounts_windows.locate("\\\\nas\\photos\\a", windows)
    assert windows.touched == []


def test_a_drive_is_the_same_under_another_letter() -> None:
    before = mounts_windows.locate("E:\\2024", FakeWindows())
    after = mounts_windows.locate("F:\\2024", FakeWindows(C="system", F="stick"))
    assert before.volume.id == after.volume.id
    assert before.inside == after.inside

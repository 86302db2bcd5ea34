"""A house as the old system would have it in its database, and its dump as mysqldump writes it.

What was measured is known, so that what comes out can be compared with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)
NAME = "Wohnung 3; \"Süd\" 'o'"  # whatever SQL could stumble over
HASH = "pbkdf2_sha256$150000$c2FsdHNhbHQ$hW0fmQb5Jr1Qm0m7yQ4y2jW1cA5t8E9q3mZ2r6n7x0k="

Written = tuple[int, int, datetime, int]  # id, meter, time, Wh

SCHEMA_NEW = """
CREATE TABLE `mmetering_flat` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(45) NOT NULL,
  `modus` varchar(2) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COMMENT='a; b';
CREATE TABLE `mmetering_meter` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `addresse` int(11) NOT NULL,
  `seriennummer` varchar(45) NOT NULL,
  `active` tinyint(1) NOT NULL,
  `start_datetime` datetime(6) NOT NULL,
  `end_datetime` datetime(6) DEFAULT NULL,
  `available` tinyint(1) NOT NULL,
  `flat_id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE `mmetering_meterdata` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `saved_time` datetime(6) NOT NULL,
  `value` double NOT NULL,
  `value_l1` double DEFAULT NULL,
  `value_l2` double DEFAULT NULL,
  `value_l3` double DEFAULT NULL,
  `meter_id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
"""
SCHEMA_OLD = """
CREATE TABLE `mmetering_flat` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(45) NOT NULL,
  `modus` varchar(2) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE `mmetering_meter` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `flat_id` int(11) NOT NULL,
  `addresse` int(11) NOT NULL,
  `seriennummer` varchar(45) NOT NULL,
  `active` tinyint(1) NOT NULL,
  `start_datetime` datetime(6) NOT NULL,
  `end_datetime` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `flat_id` (`flat_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE `mmetering_meterdata` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `meter_id` int(11) NOT NULL,
  `saved_time` datetime(6) NOT NULL,
  `value` decimal(12,4) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
"""
SCHEMA_PEOPLE = """
CREATE TABLE `auth_group` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(150) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE `auth_group_permissions` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `group_id` int(11) NOT NULL,
  `permission_id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE `auth_permission` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `codename` varchar(100) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE `auth_user` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `password` varchar(128) NOT NULL,
  `is_superuser` tinyint(1) NOT NULL,
  `username` varchar(150) NOT NULL,
  `first_name` varchar(30) NOT NULL,
  `last_name` varchar(150) NOT NULL,
  `email` varchar(254) NOT NULL,
  `is_active` tinyint(1) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE `auth_user_groups` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `user_id` int(11) NOT NULL,
  `group_id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE `mmetering_activities` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `title` varchar(100) NOT NULL,
  `timestamp` datetime(6) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
"""
PEOPLE = f"""
INSERT INTO `auth_group` VALUES (1,'Verwaltung');
INSERT INTO `auth_group_permissions` VALUES (1,1,7);
INSERT INTO `auth_permission` VALUES (7,'Can change meter','change_meter'),(8,'Can view flat','view_flat');
INSERT INTO `auth_user` VALUES (1,'{HASH}',1,'anna','Anna','Amsel','anna@example.org',1),
(2,'{HASH}',0,'bert','','','',1),(3,'{HASH}',0,'carl','','','',0);
INSERT INTO `auth_user_groups` VALUES (1,2,1);
INSERT INTO `mmetering_activities` VALUES (1,0x4578706F7274,'2020-10-01 00:00:00.000000');
"""
NOISE = """/*M!999999\\- enable the sandbox mode */
-- MariaDB dump 10.19; it's not a statement
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
DROP TABLE IF EXISTS `django_session`;
CREATE TABLE `django_session` (
  `session_key` varchar(40) NOT NULL,
  `blob` longblob
) ENGINE=InnoDB;
INSERT INTO `django_session` VALUES ('INSERT INTO `mmetering_flat` VALUES (9,\\'x\\',\\'IM\\');',_binary '\\0\\\\;');
# another comment's apostrophe
"""


@dataclass(frozen=True, slots=True)
class House:
    """A house of so many meters, the last a producer, each a Wh further a quarter hour than the one before."""

    meters: int
    begin: datetime
    end: datetime

    def truth(self) -> Iterator[Written]:
        """Yield what was measured, in the order of the ids, which have holes; times are UTC."""
        number, at = 0, self.begin.astimezone(UTC)
        while at < self.end:
            quarters = int((at - self.begin) / QUARTER)
            for meter in range(1, self.meters + 1):
                number += 1 + (number % 97 == 0)
                yield number, meter, at + timedelta(seconds=meter), 100_000 * meter + quarters * (meter + 5)
            at += QUARTER

    def rows(self) -> Iterator[Written]:
        """Yield what was written of it: local times, without a zone."""
        for number, meter, at, wh in self.truth():
            yield number, meter, at.astimezone(BERLIN).replace(tzinfo=None), wh

    def statements(self, *, new: bool, rows: Sequence[Written] | None = None) -> Iterator[str]:
        """Yield the SQL that makes this house's tables, of the newer or the older age."""
        yield (SCHEMA_NEW if new else SCHEMA_OLD) + SCHEMA_PEOPLE
        yield PEOPLE
        last = self.meters
        for meter in range(1, last + 1):
            name = NAME.replace("'", "\\'") if meter == 1 else f"Nr. {meter}"
            yield f"INSERT INTO `mmetering_flat` VALUES ({meter + 40},'{name}','{'EX' if meter == last else 'IM'}');\n"
            span = "'2018-01-01 00:00:00.000000',NULL"
            yield (
                f"INSERT INTO `mmetering_meter` VALUES ({meter},{meter},'4711{meter:02}',1,{span},1,{meter + 40});\n"
                if new
                else f"INSERT INTO `mmetering_meter` VALUES ({meter},{meter + 40},{meter},'4711{meter:02}',1,{span});\n"
            )
        written = list(self.rows() if rows is None else rows)
        for start in range(0, len(written), 500):
            values = ",".join(_values(row, new=new) for row in written[start : start + 500])
            yield f"INSERT INTO `mmetering_meterdata` VALUES {values};\n"

    def dump(self, path: Path, *, new: bool = True, rows: Sequence[Written] | None = None) -> Path:
        """Write the dump and return its path."""
        path.write_text(NOISE + "".join(self.statements(new=new, rows=rows)) + "-- Dump completed\n")
        return path


def _values(row: Written, *, new: bool) -> str:
    number, meter, local, wh = row
    time = f"'{local:%Y-%m-%d %H:%M:%S}.000000'"
    if not new:
        return f"({number},{meter},{time},{wh / 1000:.4f})"
    third = wh // 3
    phases = ",".join(f"{part / 1000!r}" for part in (third, third, wh - 2 * third))
    return f"({number},{time},{wh / 1000!r},{phases},{meter})" if number % 2 else _null_phases(number, time, wh, meter)


def _null_phases(number: int, time: str, wh: int, meter: int) -> str:
    return f"({number},{time},{wh / 1000!r},NULL,NULL,NULL,{meter})"

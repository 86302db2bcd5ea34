"""What is known of each gateway, what is open of its spools, and why something was rejected."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

GATEWAY = """
CREATE TABLE gateway (
    gateway         text PRIMARY KEY,
    first_seen      timestamptz NOT NULL DEFAULT now(),
    last_batch_at   timestamptz,
    clock_offset_s  real
);
COMMENT ON TABLE gateway IS 'Gateways that have sent batches';
COMMENT ON COLUMN gateway.last_batch_at IS 'When its last batch came, to half a minute';
COMMENT ON COLUMN gateway.clock_offset_s IS
    's that its newest readings lay ahead of their arrival, negative: behind it; -1 or so is a good clock';

INSERT INTO gateway (gateway, first_seen)
SELECT gateway, min(first_seen)
FROM (SELECT gateway, first_seen FROM meter UNION ALL SELECT gateway, now() FROM gateway_record) AS known
GROUP BY gateway;
"""

REJECTED = """
ALTER TABLE rejected
    ADD COLUMN gateway text,
    ADD COLUMN kind text CHECK (kind IN (
        'foreign-topic', 'wrong-site', 'oversize', 'malformed', 'not-a-number', 'wrong-type', 'undescribed-meter',
        'too-old', 'in-future', 'other-gateway', 'database'
    ));
UPDATE rejected SET gateway = split_part(topic, '/', 5) WHERE epoch IS NOT NULL;
CREATE INDEX rejected_spool ON rejected (gateway, epoch) WHERE epoch IS NOT NULL;
COMMENT ON COLUMN rejected.kind IS 'Why, for counting; NULL where it was rejected before there were kinds';
COMMENT ON COLUMN rejected.reason IS 'Why, in words';
COMMENT ON COLUMN rejected.gateway IS 'Who sent it; NULL where the topic is no gateway''s';
COMMENT ON COLUMN rejected.seqs IS 'The readings that it stood for and that are rejected still';
"""

ACCOUNT = """
CREATE FUNCTION seq_count(seqs int8multirange) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(sum(upper(part) - lower(part)), 0)::bigint FROM unnest(seqs) AS part);

CREATE VIEW spool_account AS
SELECT
    gateway, epoch,
    upper(known) - 1 AS newest,
    seq_count(seqs) AS stored,
    seq_count(rejected) AS rejected,
    seq_count(dropped) AS dropped,
    seq_count(open_seqs) AS open,
    open_seqs
FROM gateway_record
CROSS JOIN LATERAL (SELECT seqs + rejected + dropped AS known) AS told
CROSS JOIN LATERAL (SELECT int8multirange(int8range(1, coalesce(upper(known), 1))) - known AS open_seqs) AS hole;
COMMENT ON VIEW spool_account IS 'How many readings of each spool are stored, rejected, given up by the gateway, open';
COMMENT ON COLUMN spool_account.newest IS 'The highest number that is known';
COMMENT ON COLUMN spool_account.open IS 'Readings that are still to come, or lost';
COMMENT ON COLUMN spool_account.open_seqs IS 'Their numbers';
"""


def upgrade() -> None:
    """Make the table `gateway` and the view `spool_account`, and give the rejected their kind."""
    for statements in (GATEWAY, REJECTED, ACCOUNT):
        op.get_bind().exec_driver_sql(statements)

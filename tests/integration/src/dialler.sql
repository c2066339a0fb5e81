-- The tables of a dialler, as far as they are read.
CREATE TABLE vicidial_log (
    uniqueid varchar(20) NOT NULL PRIMARY KEY, lead_id int unsigned NOT NULL, list_id bigint unsigned, campaign_id varchar(8),
    call_date datetime, start_epoch int unsigned, end_epoch int unsigned, length_in_sec int, status varchar(6),
    phone_code varchar(10), phone_number varchar(18), user varchar(20), comments varchar(255), processed enum('Y','N'),
    user_group varchar(20), term_reason enum('CALLER','AGENT','QUEUETIMEOUT','ABANDON','AFTERHOURS','NONE','SYSTEM') DEFAULT 'NONE',
    alt_dial varchar(6) DEFAULT 'NONE', called_count smallint unsigned DEFAULT 0, KEY (lead_id), KEY (call_date)) ENGINE=MyISAM;
CREATE TABLE vicidial_log_archive LIKE vicidial_log;
CREATE TABLE vicidial_closer_log (
    closecallid int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, lead_id int unsigned NOT NULL, list_id bigint unsigned,
    campaign_id varchar(20), call_date datetime, start_epoch int unsigned, end_epoch int unsigned, length_in_sec int,
    status varchar(6), phone_code varchar(10), phone_number varchar(18), user varchar(20), comments varchar(255),
    processed enum('Y','N'), queue_seconds decimal(7,2) DEFAULT 0, user_group varchar(20), xfercallid int unsigned,
    term_reason enum('CALLER','AGENT','QUEUETIMEOUT','ABANDON','AFTERHOURS','HOLDRECALLXFER','HOLDTIME','NOAGENT','NONE',
        'MAXCALLS','ACFILTER','CLOSETIME') DEFAULT 'NONE', uniqueid varchar(20) NOT NULL DEFAULT '', agent_only varchar(20),
    queue_position smallint, called_count smallint, KEY (lead_id), KEY (campaign_id), KEY (call_date), KEY (uniqueid),
    KEY (call_date, user)) ENGINE=MyISAM;
CREATE TABLE vicidial_closer_log_archive LIKE vicidial_closer_log;
CREATE TABLE recording_log (
    recording_id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, channel varchar(100), server_ip varchar(15),
    extension varchar(100), start_time datetime, start_epoch int unsigned, end_time datetime, end_epoch int unsigned,
    length_in_sec mediumint unsigned, length_in_min double(8,2), filename varchar(100), location varchar(255),
    lead_id int unsigned, user varchar(20), vicidial_id varchar(20), KEY (filename), KEY (lead_id), KEY (user),
    KEY (vicidial_id)) ENGINE=MyISAM;
CREATE TABLE vicidial_users (
    user_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, user varchar(20) NOT NULL UNIQUE, pass varchar(100), full_name varchar(50),
    user_level tinyint, user_group varchar(20), active enum('Y','N') DEFAULT 'Y', pass_hash varchar(100)) ENGINE=MyISAM;
CREATE TABLE vicidial_campaigns (
    campaign_id varchar(8) NOT NULL PRIMARY KEY, campaign_name varchar(40), active enum('Y','N'), dial_method varchar(20)) ENGINE=MyISAM;
CREATE TABLE vicidial_statuses (
    status varchar(6) NOT NULL PRIMARY KEY, status_name varchar(30), selectable enum('Y','N'), human_answered enum('Y','N'),
    category varchar(20), sale enum('Y','N'), dnc enum('Y','N'), customer_contact enum('Y','N'), not_interested enum('Y','N'),
    unworkable enum('Y','N'), scheduled_callback enum('Y','N'), completed enum('Y','N'), min_sec int unsigned DEFAULT 0,
    max_sec int unsigned DEFAULT 0, answering_machine enum('Y','N')) ENGINE=MyISAM;
CREATE TABLE vicidial_campaign_statuses LIKE vicidial_statuses;
ALTER TABLE vicidial_campaign_statuses DROP PRIMARY KEY, ADD campaign_id varchar(20), ADD UNIQUE (status, campaign_id);
INSERT INTO vicidial_users (user, pass, full_name, user_group, pass_hash) VALUES
    ('6666', 'dialler-password', 'Ada Agent', 'AGENTS', 'dialler-hash'), ('7777', 'dialler-password', 'Bob Agent', 'AGENTS', 'dialler-hash');
INSERT INTO vicidial_campaigns VALUES ('TEST', 'Test campaign', 'Y', 'RATIO');
INSERT INTO vicidial_statuses (status, status_name, sale, dnc, not_interested, unworkable) VALUES
    ('SALE', 'Sale Made', 'Y', 'N', 'N', 'N'), ('NI', 'Not Interested', 'N', 'N', 'Y', 'N'), ('DNC', 'DO NOT CALL', 'N', 'Y', 'N', 'N'),
    ('NA', 'No Answer AutoDial', 'N', 'N', 'N', 'N'), ('A', 'Answering Machine', 'N', 'N', 'N', 'N'), ('B', 'Busy', 'N', 'N', 'N', 'N');
INSERT INTO vicidial_campaign_statuses (status, status_name, sale, campaign_id) VALUES ('MYSALE', 'Sold twice', 'Y', 'TEST');

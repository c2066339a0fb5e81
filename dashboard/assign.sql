SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/shell.sql', json_object('title', 'Assign an agent')) AS properties;
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SELECT 'title' AS component, format('Assign %s?', COALESCE(name, agent_id)) AS contents, 2 AS level
FROM dialfire.unassigned_agents WHERE tenant = $tenant AND agent_id = $agent;
SELECT 'text' AS component, format('Then the %s calls that are stored of this agent count, and those that come. df_unassign_agent takes it back.', dialfire.show(calls)) AS contents
FROM dialfire.unassigned_agents WHERE tenant = $tenant AND agent_id = $agent;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/button.sql', json_object('tenant', $tenant, 'action', 'assign_agent', 'argument', $agent,
       'words', 'Assign', 'color', 'primary')) AS properties
WHERE EXISTS (SELECT FROM dialfire.unassigned_agents WHERE tenant = $tenant AND agent_id = $agent);
SELECT 'empty_state' AS component, 'user-check' AS icon, 'Nobody to assign' AS title, 'This agent is unknown, or assigned already.' AS description,
       'Agents' AS link_text, '/agents?tenant=' || dialfire.in_url($tenant) AS link
WHERE NOT EXISTS (SELECT FROM dialfire.unassigned_agents WHERE tenant = $tenant AND agent_id = $agent);

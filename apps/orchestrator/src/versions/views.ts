import { ApiProperty } from '@nestjs/swagger';
import { InstancePreviewView } from '../control/views.js';

const textOrNull = { type: String, nullable: true } as const;

export class VersionView {
  @ApiProperty({ example: 'lead-to-cash' }) process!: string;
  @ApiProperty() version!: number;
  @ApiProperty({ description: 'New instances start on it.' }) active!: boolean;
  @ApiProperty({ type: String, format: 'date-time' }) storedAt!: string;
  @ApiProperty({ type: Object, additionalProperties: { type: 'number' }, example: { running: 3, completed: 47 } })
  instances!: Record<string, number>;
}

export class VersionListView {
  @ApiProperty({ type: [VersionView] }) versions!: VersionView[];
}

export class MappingView {
  @ApiProperty({ type: [String], description: 'Steps that both versions have.' }) same!: string[];
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' }, description: 'Old name to new name.' })
  renamed!: Record<string, string>;
  @ApiProperty({ type: [String] }) added!: string[];
  @ApiProperty({ type: [String] }) removed!: string[];
}

export class MigrationPreviewView {
  @ApiProperty({ type: MappingView }) mapping!: MappingView;
  @ApiProperty({ type: [InstancePreviewView] }) instances!: InstancePreviewView[];
  @ApiProperty({ ...textOrNull, description: 'Pass as `after` for the next page; null on the last.' })
  next!: string | null;
}
